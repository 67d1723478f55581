//! `skep lsp`: the linter as a language server over standard input and output.
//!
//! It shows the findings of `skep lint` for the text in the editor: the rules see that file and the files that it names, not
//! the rest of the repository. Positions are counted in UTF-16, the default of the protocol.

mod complete;
mod document;
mod pipes;
mod place;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, Response};
use lsp_types::{
    CodeActionProviderCapability, CompletionOptions, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, HoverProviderCapability, PublishDiagnosticsParams, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, Uri,
};
use serde_json::{Value, json};

use super::Common;
use document::Document;

/// `skep lsp`
#[derive(Debug, Args)]
pub(super) struct Lsp {}

/// The open files and the editor.
struct Server<'c> {
    connection: &'c Connection,
    documents: BTreeMap<String, Document>,
    variables: BTreeMap<String, String>,
}

impl Lsp {
    /// Runs until the editor ends.
    #[expect(clippy::unused_self, reason = "every command is run in the same way")]
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let (connection, threads) = pipes::connect();
        let served = serve(&connection, common);
        drop(connection);
        // If the pipes ended, they know the reason; otherwise one of them might wait for the editor for ever.
        if served.as_ref().err().is_none_or(is_disconnected) {
            threads.join()?;
        }
        served?;
        Ok(ExitCode::SUCCESS)
    }
}

fn serve(connection: &Connection, common: &Common) -> anyhow::Result<()> {
    connection.initialize(serde_json::to_value(capabilities())?)?;
    let variables = common.settings()?.variables;
    Server { connection, documents: BTreeMap::new(), variables }.serve()
}

fn is_disconnected(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ProtocolError>().is_some_and(ProtocolError::channel_is_disconnected)
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".to_owned(), "\"".to_owned(), "-".to_owned()]),
            ..CompletionOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

impl Server<'_> {
    fn serve(&mut self) -> anyhow::Result<()> {
        for message in &self.connection.receiver {
            match message {
                Message::Request(request) if self.connection.handle_shutdown(&request)? => break,
                Message::Request(request) => self.answer(request)?,
                Message::Notification(notification) => self.hear(notification)?,
                Message::Response(_) => {}
            }
        }
        Ok(())
    }

    fn answer(&self, request: Request) -> anyhow::Result<()> {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            "textDocument/codeAction" => self.about(&params, |document| document.actions(&params)),
            "textDocument/hover" => self.about(&params, |document| document.hover(&params)),
            "textDocument/completion" => self.about(&params, |document| complete::completions(document, &params)),
            _ => {
                let refused = Response::new_err(id, ErrorCode::MethodNotFound as i32, format!("no `{method}` here"));
                return Ok(self.connection.sender.send(refused.into())?);
            }
        };
        Ok(self.connection.sender.send(Response::new_ok(id, result).into())?)
    }

    /// The answer about the file in a request; null if the file is not open or the answer is `None`.
    fn about(&self, params: &Value, answer: impl Fn(&Document) -> Option<Value>) -> Value {
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
        self.documents.get(uri).and_then(answer).unwrap_or(Value::Null)
    }

    fn hear(&mut self, notification: Notification) -> anyhow::Result<()> {
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                let DidOpenTextDocumentParams { text_document: opened } = serde_json::from_value(params)?;
                self.read(opened.uri, &opened.language_id, opened.text)?;
            }
            "textDocument/didChange" => {
                let DidChangeTextDocumentParams { text_document, content_changes } = serde_json::from_value(params)?;
                let language = self.documents.get(text_document.uri.as_str()).map(|document| document.language.clone());
                if let Some((language, change)) = language.zip(content_changes.into_iter().last()) {
                    self.read(text_document.uri, &language, change.text)?;
                }
            }
            "textDocument/didClose" => {
                let DidCloseTextDocumentParams { text_document } = serde_json::from_value(params)?;
                self.documents.remove(text_document.uri.as_str());
                self.publish(text_document.uri, Vec::new())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, uri: Uri, language: &str, text: String) -> anyhow::Result<()> {
        let document = Document::of(&uri, language, text, &self.variables);
        let diagnostics = document.diagnostics();
        self.documents.insert(uri.as_str().to_owned(), document);
        self.publish(uri, diagnostics)
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<lsp_types::Diagnostic>) -> anyhow::Result<()> {
        let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
        let told = Notification::new("textDocument/publishDiagnostics".to_owned(), json!(params));
        Ok(self.connection.sender.send(told.into())?)
    }
}
