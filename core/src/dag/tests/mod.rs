//! Tests of the DAG against a brute-force closure.

mod histories;
mod named;
mod vectors;
