//! Reading the file itself: the only I/O of the topology.

use std::path::Path;

use super::{Problem, Problems, Topology};

impl Topology {
    /// Reads a topology file.
    ///
    /// # Errors
    /// That it cannot be read, or everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &file),
            Err(error) => Err(Problems(vec![Problem {
                file,
                line: 0,
                message: format!("cannot be read: {error}"),
                mend: "name a readable UTF-8 text file".to_owned(),
            }])),
        }
    }
}
