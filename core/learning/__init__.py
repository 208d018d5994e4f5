"""Networks that are trained on a stack and applied to stacks."""
