//! What fuzzers found, each by its name. Inputs that showed a fault are in the corpus as well.
