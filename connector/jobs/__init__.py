"""The runners: each line calls one flow."""
