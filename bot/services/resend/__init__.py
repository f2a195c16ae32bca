"""The resend: the form, the request, the call to DigiCert, and its result."""
