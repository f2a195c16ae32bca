"""DigiCert CertCentral: their JSON, their endpoints, their rate limits."""
