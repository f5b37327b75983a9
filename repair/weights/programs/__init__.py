"""Linear and mixed-integer programs as arrays, partial MaxSAT, and the solvers."""
