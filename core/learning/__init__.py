"""Self-supervised networks: trained on a stack, applied to a stack."""
