"""What the DigiCert account holds, and what an email for it would need and validate."""
