"""The arithmetic of a candidate: in which number formats it keeps weights, operands and results."""
