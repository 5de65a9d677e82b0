//! Scenes to come: systemd.
