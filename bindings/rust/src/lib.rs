//! An event-sourced, observable data layer that programs embed.
