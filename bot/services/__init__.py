"""What the bot decides and does; the only way to DigiCert for every front door."""
