OPENQASM 3.0;
include "stdgates.inc";
const float angle0 = 1.1592794807274085;
gate damp(a) p, q { ry(a/2) p; cx q, p; inv @ ry(a/2) p; cx q, p; cx p, q; }
qubit[1] sys;
qubit[1] env;
bit[1] outcome;
let both = env ++ sys;
for int i in [0:0] { damp(angle0) both[i], sys[0]; }
ctrl @ U(0, 0, pi/8) sys[0], env[0];
if (outcome == 1) { x env[0]; }
