"""DigiCert CertCentral: its JSON, its endpoints and its rate limits."""
