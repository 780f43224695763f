"""The MCP server: a face of fleetd for assistants."""
