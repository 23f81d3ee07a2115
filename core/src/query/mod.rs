//! Binding, planning and running queries.
