"""A network of our own, trained on simulated microscopy only, that denoises without training."""
