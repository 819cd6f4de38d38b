"""Documents for people who want paper: what they say (document), and how that becomes a PDF (pdf)."""
