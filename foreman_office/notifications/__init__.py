"""Who is told of what: notices of decisions, rules, messages, channels, and how they leave."""
