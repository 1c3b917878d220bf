"""Push: the office announces which topics changed, and pages request those parts."""
