"""The one way out: every request over HTTP that leaves the house goes through `client.send`."""
