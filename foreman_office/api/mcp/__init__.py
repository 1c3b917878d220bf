"""The tools of a builder over MCP: streamable HTTP at /mcp, without sessions or streams."""
