"""The runner's side of dlbench: protocol, timing and files, shared by all adapters."""
