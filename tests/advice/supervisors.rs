//! Scenes to come: supervisors.
