"""Parts of a learned method: examples, start, head, objective and readout."""
