"""Who may do what: the rules, the person they are about, and the file that holds them. Pure."""
