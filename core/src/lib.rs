//! Operations, DAG, entities, catalog, transactions, planner and node of the Ankurah data layer.
