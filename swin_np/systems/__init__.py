"""Every system: the registry, a forward pass step by step, and what it takes in time and memory."""
