OPENQASM 3.0;
include "stdgates.inc";
qubit[1] q_t1;
qubit[1] q_t2;
bit[1] t1;
bit[1] t2;
t1 = measure q_t1;
t2 = measure q_t2;
