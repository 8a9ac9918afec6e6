"""One folder a vendor: each fills `bridge.ports.Desk` and is the only code that knows that vendor's API."""
