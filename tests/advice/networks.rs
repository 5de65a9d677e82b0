//! Scenes to come: networks.
