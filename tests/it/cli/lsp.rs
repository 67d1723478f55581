use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::sandbox::Sandbox;

/// An editor that speaks the protocol to the binary.
struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    sandbox: Sandbox,
    requests: u64,
}

impl Editor {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.arg("lsp").current_dir(sandbox.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { child, input, output, sandbox, requests: 0 };
        let about = editor.ask("initialize", &json!({ "capabilities": {}, "processId": null }));
        assert_eq!(about["capabilities"]["textDocumentSync"], 1);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => {
                    if let Some(value) = line.strip_prefix("Content-Length: ") {
                        length = value.parse().unwrap();
                    }
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut answer = self.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].take()
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}", self.sandbox.path().join(path).display())
    }

    /// The diagnostics of a file that is opened, a line each.
    fn open(&mut self, path: &str, text: &str) -> String {
        let uri = self.uri(path);
        let item = json!({ "uri": uri, "languageId": "plaintext", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": item }));
        self.diagnostics()
    }

    fn change(&mut self, path: &str, text: &str) -> String {
        let item = json!({ "uri": self.uri(path), "version": 2 });
        self.tell("textDocument/didChange", &json!({ "textDocument": item, "contentChanges": [{ "text": text }] }));
        self.diagnostics()
    }

    fn diagnostics(&mut self) -> String {
        let told = self.receive();
        assert_eq!(told["method"], "textDocument/publishDiagnostics", "{told}");
        let line = |found: &Value| {
            let (start, end) = (&found["range"]["start"], &found["range"]["end"]);
            format!(
                "{}:{}-{}:{} {} {} {}\n",
                start["line"],
                start["character"],
                end["line"],
                end["character"],
                found["severity"],
                found["code"].as_str().unwrap(),
                found["message"].as_str().unwrap().lines().next().unwrap()
            )
        };
        told["params"]["diagnostics"].as_array().unwrap().iter().map(line).collect()
    }

    fn at(&self, path: &str, line: u32, character: u32) -> Value {
        json!({ "textDocument": { "uri": self.uri(path) }, "position": { "line": line, "character": character } })
    }

    fn close(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

const STACK: &str =
    "services:\n  web:\n    image: nginx:1.27\n    healthcheck: { test: curl localhost }\n    networks: [ü𝄞, front]\n";

#[test]
fn findings_follow_what_is_typed() {
    let mut editor = Editor::new();
    insta::assert_snapshot!(editor.open("stack.yml", STACK), @"
    4:15-4:18 1 SK1003 there is no network `ü𝄞` in this file
    4:20-4:25 1 SK1003 there is no network `front` in this file
    ");
    insta::assert_snapshot!(editor.change("stack.yml", &STACK.replace("    networks: [ü𝄞, front]\n", "")), @"");
    insta::assert_snapshot!(editor.open("Dockerfile", "FROM a:1\nEXPOSE 80800\n"), @"1:7-1:12 1 DL3011 `80800` is not a port");
    assert_eq!(editor.open("notes.md", "FROM a\n"), "");
    editor.close();
}

#[test]
fn the_settings_above_the_file_count() {
    let mut editor = Editor::new();
    editor.sandbox.write("skep-lint.yaml", "rules: { DL3011: off }\n");
    assert_eq!(editor.open("a/b/Dockerfile", "FROM scratch\nEXPOSE 80800\n"), "");
    editor.close();
}

#[test]
fn a_rule_has_its_page_where_it_found_something() {
    let mut editor = Editor::new();
    editor.open("Dockerfile", "FROM a:1\nEXPOSE 80800\n");
    let params = editor.at("Dockerfile", 1, 8);
    let page = editor.ask("textDocument/hover", &params);
    assert!(
        page["contents"]["value"].as_str().unwrap().starts_with("# DL3011\n\n`EXPOSE` contains an invalid port"),
        "{page}"
    );
    let params = editor.at("Dockerfile", 0, 0);
    assert_eq!(editor.ask("textDocument/hover", &params), Value::Null);
    editor.close();
}

#[test]
fn a_fix_is_offered_where_it_is_needed() {
    let mut editor = Editor::new();
    let text = "services:\n  web:\n    image: nginx:1.27  \n";
    editor.sandbox.write("skep-lint.yaml", "rules: { SK7003: on }\n");
    editor.open("stack.yml", text);
    let range = json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 30 } });
    let uri = editor.uri("stack.yml");
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] } });
    let actions = editor.ask("textDocument/codeAction", &params);
    let action = &actions[0];
    insta::assert_snapshot!(format!("{:#}", json!([action["title"], action["kind"], action["edit"]["changes"][&uri]])), @r#"
    [
      "remove them",
      "quickfix",
      [
        {
          "range": {
            "start": {
              "line": 2,
              "character": 21
            },
            "end": {
              "line": 2,
              "character": 23
            }
          },
          "newText": ""
        }
      ]
    ]
    "#);
    editor.close();
}

#[test]
fn labels_and_keys_are_completed() {
    let mut editor = Editor::new();
    let text = "services:\n  web:\n    image: a:1\n    x-skep:\n      \n    deploy:\n      labels:\n        traefik.http.routers.web.ru\n";
    editor.open("stack.yml", text);
    let labels = |items: Value| {
        let labels = items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned());
        labels.collect::<Vec<_>>().join(" ")
    };
    let params = editor.at("stack.yml", 4, 6);
    let keys = editor.ask("textDocument/completion", &params);
    insta::assert_snapshot!(labels(keys), @"http replicas recreate test check");
    let params = editor.at("stack.yml", 7, 35);
    let traefik = editor.ask("textDocument/completion", &params);
    insta::assert_snapshot!(labels(traefik), @"traefik.http.routers.web.rule traefik.http.routers.web.rulesyntax");
    editor.close();
}

#[test]
fn a_request_that_is_not_known_is_an_error_and_not_the_end() {
    let mut editor = Editor::new();
    assert_eq!(editor.ask("textDocument/rename", &json!({})), Value::Null);
    assert_eq!(editor.open("Dockerfile", "FROM scratch\n"), "");
    editor.close();
}
