//! Asking a running world, by its admin endpoint. It only reads.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::error::Error;

/// A page comes from memory: whoever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The admin endpoint of a running world.
pub struct Client {
    address: SocketAddr,
    agent: Agent,
}

/// `/world`: what the world says of itself.
#[derive(Debug, Deserialize)]
pub struct WorldPage {
    /// Which world it is.
    pub world: Facts,
    /// The operators' file.
    pub overrides: PathBuf,
    /// The topology's file.
    pub topology: Option<PathBuf>,
    /// How many answers are other than in the world before.
    pub moved: Option<usize>,
    /// Why the operators' file is not in force, if it is not.
    pub refused: Option<Refused>,
}

/// What is wrong with the operators' file.
#[derive(Debug, Deserialize)]
pub struct Refused {
    /// In words, with its line and mend.
    pub error: String,
}

/// A world's serial.
#[derive(Debug, Deserialize)]
pub struct Facts {
    /// Counts up by one with each world.
    pub serial: u64,
}

/// How the pages say that something is wrong.
#[derive(Deserialize)]
struct Problem {
    error: String,
}

impl Client {
    /// Whoever listens at `address`.
    pub fn new(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build();
        Self { address, agent: config.into() }
    }

    /// What `/world` says.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn world(&self) -> Result<WorldPage, Error> {
        self.get("world", &[])
    }

    /// Reads a page.
    ///
    /// # Errors
    /// [`Error::Failed`] where no world answers, or not as one does; [`Error::Config`] where it refuses
    /// what was asked.
    pub fn get<T: DeserializeOwned>(&self, page: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let address = self.address;
        let request = self.agent.get(format!("http://{address}/{page}"));
        let request = query.iter().fold(request, |request, (key, value)| request.query(key, value));
        let silent = |error: ureq::Error| {
            Error::failed(format!(
                "no world answers at {address}: {error} (mend: start one with `tern up`, name its admin \
                 endpoint with --admin, or work offline with --dir)"
            ))
        };
        let mut reply = request.call().map_err(silent)?;
        let status = reply.status();
        let text = reply.body_mut().with_config().limit(1 << 30).read_to_string().map_err(silent)?;
        if status.is_client_error()
            && let Ok(Problem { error }) = serde_json::from_str(&text)
        {
            return Err(Error::config(error));
        }
        serde_json::from_str(&text).map_err(|_| {
            Error::failed(format!(
                "http://{address}/{page} is no page of a Tern world: status {status} (mend: name the \
                 admin endpoint of a GSLB or of `tern up` with --admin)"
            ))
        })
    }
}
