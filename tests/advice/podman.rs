//! Scenes to come: podman.
