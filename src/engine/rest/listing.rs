//! What a provider says it has: `GET models` and `GET voices`. Costs nothing at any
//! provider we know; asked only when a person says `--online`.
//!
//! Servers disagree on the shape (a bare array, `data`, `voices`, rows or plain names), so
//! everything recognisable is read and the rest is left out.

use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use crate::domain::FaultClass;
use crate::engine::EngineError;
use crate::engine::rest::answer::Expected;
use crate::engine::rest::client::RestEngine;
use crate::engine::rest::failure::Sent;

/// A list is an answer from memory; one that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A list of every model of a large provider is about 1 MB.
const MAX_LIST: u64 = 16 << 20;

/// One model a provider lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    pub id: String,
    /// The provider's word: `audio`, `transcribe`, `model`.
    pub kind: Option<String>,
    /// USD for a minute of audio, as the provider writes it.
    pub per_minute: Option<String>,
}

/// One voice a provider lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVoice {
    /// Where the answer says which model it is for.
    pub model: Option<String>,
    /// What a request sends.
    pub id: String,
    pub name: Option<String>,
}

impl RestEngine {
    /// The models the provider lists.
    ///
    /// # Errors
    /// As for any request; [`FaultClass::BadAnswer`] when the answer holds no list.
    pub async fn list_models(&self) -> Result<Vec<ListedModel>, EngineError> {
        let list = self.list(&self.endpoint().models.clone()).await?;
        models(&list).ok_or_else(|| no_list("models"))
    }

    /// The voices the provider lists, of one model or of all.
    ///
    /// # Errors
    /// As [`Self::list_models`].
    pub async fn list_voices(&self, model: Option<&str>) -> Result<Vec<ListedVoice>, EngineError> {
        let mut url = self.endpoint().voices.clone();
        if let Some(model) = model {
            url.query_pairs_mut().append_pair("model", model);
        }
        let list = self.list(&url).await?;
        let mut found = voices(&list).ok_or_else(|| no_list("voices"))?;
        // Some servers ignore the parameter.
        found.retain(|voice| {
            model.is_none() || voice.model.is_none() || voice.model.as_deref() == model
        });
        Ok(found)
    }

    /// Asks for the models and takes any answer for one: whoever answers is there.
    pub(super) async fn ask_for_models(&self) -> Result<(), EngineError> {
        self.list(&self.endpoint().models.clone()).await.map(drop)
    }

    async fn list(&self, url: &Url) -> Result<Value, EngineError> {
        let receiver = self.receiver(Expected::List, PATIENCE, MAX_LIST);
        let mut body = Vec::new();
        let request = self.client().get(url.clone());
        let response = self.begin(request, &receiver, || Sent::Whole).await?;
        receiver.receive(response, &mut body).await?;
        serde_json::from_slice(&body).map_err(|error| {
            EngineError::new(
                FaultClass::BadAnswer,
                format!("the list is no JSON: {error}"),
            )
        })
    }
}

fn no_list(what: &str) -> EngineError {
    EngineError::new(
        FaultClass::BadAnswer,
        format!("the answer holds no list of {what}"),
    )
}

/// `[…]`, `{"data": […]}`, `{"models": […]}`.
fn models(list: &Value) -> Option<Vec<ListedModel>> {
    let rows = array_of(list, &["data", "models"])?;
    let model = |row: &Value| {
        let id = row.as_str().or_else(|| row["id"].as_str())?;
        let per_minute = &row["pricing"]["transcribe"]["price_per_minute"];
        Some(ListedModel {
            id: id.to_owned(),
            kind: row["type"].as_str().map(str::to_owned),
            per_minute: per_minute.is_number().then(|| per_minute.to_string()),
        })
    };
    Some(rows.iter().filter_map(model).collect())
}

/// `{"data": [{"model", "voices": […]}]}`, `{"model", "voices": […]}`, `{"voices": […]}`,
/// `{"data": […]}`, `[…]`.
fn voices(list: &Value) -> Option<Vec<ListedVoice>> {
    let rows = array_of(list, &["data", "voices"])?;
    let whole = list["model"].as_str();
    let mut found = Vec::new();
    for row in rows {
        match row["voices"].as_array() {
            Some(own) => {
                let model = row["model"].as_str();
                found.extend(own.iter().filter_map(|row| voice(model, row)));
            }
            None => found.extend(voice(whole, row)),
        }
    }
    Some(found)
}

fn voice(model: Option<&str>, row: &Value) -> Option<ListedVoice> {
    let text = |key: &str| row[key].as_str();
    let id = row
        .as_str()
        .or_else(|| text("id"))
        .or_else(|| text("voice_id"))
        .or_else(|| text("name"))?;
    Some(ListedVoice {
        model: text("model").or(model).map(str::to_owned),
        id: id.to_owned(),
        name: text("name").filter(|name| *name != id).map(str::to_owned),
    })
}

fn array_of<'a>(list: &'a Value, keys: &[&str]) -> Option<&'a Vec<Value>> {
    list.as_array()
        .or_else(|| keys.iter().find_map(|key| list[*key].as_array()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(list: &Value) -> Option<Vec<String>> {
        let line = |voice: ListedVoice| {
            let model = voice.model.unwrap_or_default();
            format!("{model}/{}", voice.id)
        };
        voices(list).map(|voices| voices.into_iter().map(line).collect())
    }

    #[test]
    fn voices_are_read_in_every_known_shape() {
        let row = json!({"id": "af_heart", "name": "af_heart"});
        for (list, expected) in [
            (
                json!({"data": [{"model": "k", "voices": [row]}, {"model": "s", "voices": [{"id": "0-0", "name": "lady"}]}]}),
                vec!["k/af_heart", "s/0-0"],
            ),
            (json!({"model": "k", "voices": [row]}), vec!["k/af_heart"]),
            (json!({"voices": [row]}), vec!["/af_heart"]),
            (json!({"voices": ["a", "b"]}), vec!["/a", "/b"]),
            (json!(["a"]), vec!["/a"]),
            (json!({"data": [{"name": "tara"}, 7, null]}), vec!["/tara"]),
            (json!({"voices": []}), vec![]),
        ] {
            assert_eq!(names(&list).unwrap(), expected, "{list}");
        }
        for none in [json!({}), json!(null), json!("x"), json!({"data": 1})] {
            assert_eq!(names(&none), None, "{none}");
        }
    }

    #[test]
    fn models_are_read_bare_and_wrapped() {
        let rows = json!([
            {"id": "w", "type": "transcribe", "pricing": {"transcribe": {"price_per_minute": 0.0015}}},
            {"id": "k", "type": "audio"},
        ]);
        for list in [rows.clone(), json!({ "data": rows })] {
            let found = models(&list).unwrap();
            assert_eq!(found[0].per_minute.as_deref(), Some("0.0015"));
            assert_eq!(
                (found[1].id.as_str(), found[1].kind.as_deref()),
                ("k", Some("audio"))
            );
        }
        assert_eq!(models(&json!({"error": "no"})), None);
    }
}
