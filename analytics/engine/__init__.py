"""The engine: the state of all slots in arrays, the detectors' kernels over it, and the conditions that follow."""
