"""Services: the decisions and actions of the bot, and the only path to DigiCert for every listener and command."""
