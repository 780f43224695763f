"""Where CloudEvents come from: NATS, JetStream, HTTP."""
