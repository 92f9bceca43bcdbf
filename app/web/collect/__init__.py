"""The form on interviewers' phones: static files, kept by their service worker; no data passes here."""
