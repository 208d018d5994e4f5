"""What a learned method is made of: examples, a start, a head, an objective, and a readout."""
