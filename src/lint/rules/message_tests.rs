//! What rules about stack files say of the bad examples on their own pages: every message, help and fix, with its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::tests::{examples, revision, settings};
use super::{stack, traefik};
use crate::diagnostic::render;
use crate::lint::findings;
use crate::lint::rule::Rule;

fn said(rules: &[&Rule]) -> String {
    let mut said = String::new();
    for rule in rules {
        for example in examples(rule).iter().filter(|example| example.bad) {
            let revision = revision(example);
            let found = findings(&revision, &BTreeMap::new(), &settings(rule, example));
            for finding in found.into_iter().filter(|finding| finding.id() == rule.id) {
                said += &render::short(std::slice::from_ref(&finding), &revision.texts);
                finding.help.iter().for_each(|help| writeln!(said, "  {help}").unwrap());
                finding.fix.iter().for_each(|fix| writeln!(said, "  fix: {} (safe: {})", fix.title, fix.safe).unwrap());
            }
        }
    }
    said
}

#[test]
fn a_great_many_labels_end_in_few_findings() {
    let labels = (0..1_000).fold(String::new(), |mut text, index| {
        write!(text, "        traefik.http.routers.r{index}.rule: Host(`a.b`)\n        traefik.http.routers.r{index}.middlewares: m\n        traefik.http.services.s{index}.loadbalancer.server.port: x\n").unwrap();
        text
    });
    let service = format!("    image: nginx:1.27\n    deploy:\n      labels:\n{labels}");
    let stack = format!(
        "services:\n  proxy: {{ image: 'traefik:v3.7', command: [--providers.swarm=true] }}\n  a:\n{service}  b:\n{service}"
    );
    let rule = format!("Host(`a`){}", " || Host(`a`)".repeat(20_000));
    let long = format!(
        "services:\n  web:\n    image: nginx:1.27\n    deploy: {{ labels: {{ traefik.http.routers.r.rule: '{rule}', traefik.http.routers.r.middlewares: '{}' }} }}\n",
        "m,".repeat(20_000)
    );
    let revision = crate::revision::Revision::of(&[("stacks/a/stack.yml", &stack), ("stacks/b/stack.yml", &long)]);
    let found = findings(&revision, &BTreeMap::new(), &crate::lint::Settings::default());
    assert!((100..2000).contains(&found.len()), "{}", found.len());
}

#[test]
#[expect(clippy::too_many_lines, reason = "all that is said, in one place")]
fn of_traefik() {
    insta::assert_snapshot!(said(traefik::RULES), @r"
    stack.yml:4:14: warning[SK4001]: Traefik does not see this label: it is on the containers, not on the service
      move it to `deploy: { labels: … }`
    stack.yml:6:9: warning[SK4002]: Traefik drops this router: no label says which port the service listens on
      add `traefik.http.services.<name>.loadbalancer.server.port=<port>`
    stack.yml:6:9: warning[SK4003]: Traefik has no label `traefik.http.routers.web.entrypoint`
      did you mean `entrypoints`?
    stack.yml:6:9: warning[SK4003]: Traefik has no label `traefik.https.routers.web.rule`
      did you mean `traefik.http.…`?
    stack.yml:6:9: warning[SK4003]: `traefik.http.routers.web` says nothing by itself
      write what is meant of it, such as `traefik.http.routers.web.entrypoints`
    stack.yml:7:9: warning[SK4003]: Traefik 3.6.1 has no label `traefik.http.services.web.middlewares`
      it is there from 3.7 on
    stack.yml:6:45: error[SK4004]: the value of `Host` stands without back-ticks
      write Host(`shop.example.com`)
    stack.yml:6:40: error[SK4004]: this is a rule of Traefik 1, which later versions do not understand
      write Host(`shop.example.com`) && PathPrefix(`/api`)
    stack.yml:6:68: error[SK4004]: Traefik has no matcher `PathPrefx`
      did you mean `PathPrefix`?
    stack.yml:6:80: error[SK4004]: the path of `PathPrefix` does not begin with `/`
      write PathPrefix(`/api`)
    stack.yml:6:9: error[SK4004]: Go does not take this regular expression: this bracket is not closed
      write it in the syntax of RE2, which has no look-around and no references
    stack.yml:6:9: error[SK4004]: the end of this line is the end of the rule
      put the operator at the end of the line before, or write the rule in one line (`>-`)
    stack.yml:6:40: warning[SK4005]: Traefik 3 takes one value for `Host`, and here are several
      write Host(`a.example.com`) || Host(`b.example.com`)
    stack.yml:6:52: warning[SK4005]: a name in braces is text to Traefik 3, and matches nothing
      write a regular expression, such as HostRegexp(`^[a-z]+\.example\.com$`)
    stack.yml:7:9: warning[SK4006]: `yes` is not `true` or `false`, which this label wants
      anything but `true` switches it off
    stack.yml:7:9: warning[SK4006]: `high` is not a whole number, which this label wants
      with this value Traefik reads none of the labels of the service
    stack.yml:6:9: warning[SK4007]: `traefik.port` is a label of Traefik 1, which later versions pass over
      write `traefik.http.services.<name>.loadbalancer.server.port`
    stack.yml:7:47: warning[SK4008]: no label of the repository defines the middleware `web-heders`
      did you mean `web-headers`?
    stack.yml:7:47: warning[SK4008]: Traefik 3 has no `web-headers@docker`: what labels define in a swarm is `@swarm`
      write `web-headers@swarm`, or `web-headers` alone
    stack.yml:7:9: warning[SK4008]: Traefik 3 has no `gzip@docker`: what labels define in a swarm is `@swarm`
      write `gzip@swarm`, or `gzip` alone
    stack.yml:7:47: warning[SK4009]: Traefik has no entry point `https`
      in this repository it is told of websecure
    stack.yml:6:9: warning[SK4010]: the router `web` does not say which of 2 services it leads to
      add `traefik.http.routers.web.service=web`
    stack.yml:7:9: warning[SK4010]: no label defines the service `wbe`
      did you mean `web`?
    stacks/wiki/stack.yml:7:9: error[SK4011]: the router `web` is defined otherwise by the service `web` of the stack `shop`: Traefik drops both
      give it another name, such as `wiki-web`
    stacks/wiki/stack.yml:7:9: error[SK4011]: the router `shop_web` is defined otherwise by the service `web` of the stack `shop`: Traefik drops both
      give it another name: `shop_web` is made for the service `web`
    stacks/a/stack.yml:3:3: error[SK4011]: the router `a-b-c`, as Traefik calls it without a label, is defined otherwise by the service `c` of the stack `a-b`: Traefik drops both
      name one with a label: `traefik.http.routers.<name>.…`
    stacks/wiki/stack.yml:8:9: warning[SK4012]: the stack `shop` has a service `web` in Traefik too: both share the requests
      give it another name, such as `wiki-web`
    stacks/wiki/stack.yml:7:9: warning[SK4013]: the stack `shop` wants the requests for Host(`shop.example.com`) too
      give one of them a path of its own, or a `priority`
    stack.yml:4:16: warning[SK4014]: Traefik cannot reach this service: they have no network in common
      join a network of Traefik's: `front`
    stack.yml:8:9: warning[SK4014]: the service is in no network `front`
      its full name is `shop_front`
    stack.yml:5:15: warning[SK4014]: no network is called `front`: that is its key in this file
      its full name is `edge_front`; write that, or give it `name: front`
    stack.yml:6:9: warning[SK4015]: Traefik 3 passes over a service with labels `traefik.docker.…` and `traefik.swarm.…`
      write `traefik.swarm.…` alone
    stack.yml:6:9: info[SK4016]: `traefik.docker.network` is the old name of a label
      write `traefik.swarm.network`
      fix: write `traefik.swarm.…` (safe: true)
    stack.yml:6:56: warning[SK4017]: nobody can log in as `ada`: there is no hash of a password
      write what `htpasswd -nB NAME` prints, with `$$` for each `$`
    stack.yml:4:15: warning[SK4018]: Traefik exposes every service of the swarm, whether it has labels or not
      add `--providers.swarm.exposedByDefault=false`
    stack.yml:4:14: warning[SK4018]: Traefik exposes every service of the swarm, whether it has labels or not
      add `--docker.exposedByDefault=false`
    stack.yml:7:9: warning[SK4019]: the router `web` is for HTTPS, and has no TLS
      add `traefik.http.routers.web.tls=true`, or a certificate resolver
    stack.yml:6:47: warning[SK4020]: only a connection with TLS says which host it is for, and this router has none
      write HostSNI(`*`), or add `traefik.tcp.routers.db.tls=true`
    stack.yml:6:9: warning[SK4021]: certificates are lost with the container: `/acme/acme.json` is on no volume
      mount a named volume at its folder
    stack.yml:6:9: warning[SK4021]: several tasks of Traefik cannot share one file of certificates
      run one task, or let something else get the certificates
    stack.yml:4:15: warning[SK4022]: Traefik may be started on a worker, whose engine does not know the services of the swarm
      add `deploy: { placement: { constraints: [node.role == manager] } }`
    stack.yml:4:15: error[SK4023]: Traefik 3.7 has no option `--providers.docker.swarmmode`, and does not start
      write `--providers.swarm`
    stack.yml:4:57: error[SK4023]: Traefik 3.7 has no option `--experimental.http3`, and does not start
      remove it
    stack.yml:4:84: error[SK4023]: Traefik 3.7 has no option `--tracing.jaeger`, and does not start
      remove it
    stack.yml:4:15: error[SK4023]: `--providers.swarm.exposedbydefault` wants `true` or `false`, and Traefik does not start with `no`
    stack.yml:3:12: warning[SK4024]: Traefik 3.3 cannot talk to Docker 29 or newer: it then has no routes at all
      write `traefik:v3.7`, or v3.6.1 and later
    stack.yml:3:12: warning[SK4024]: Traefik 3.6.0 cannot talk to Docker 29 or newer: it then has no routes at all
      write `traefik:v3.7`, or v3.6.1 and later
    stack.yml:8:3: warning[SK4025]: Traefik looks for tasks every 15s, and those of `web` are killed after 10s: visitors get errors during updates
      add `--providers.swarm.refreshSeconds=2`
    stack.yml:4:24: warning[SK4025]: a task is killed after 1s, and Traefik looks for tasks every 2s
      write 10s or more
    stack.yml:4:69: warning[SK4026]: nobody gets here: the entry point `web` sends everything on to `websecure`
      use another entry point, or tell Traefik `--entryPoints.web.http.redirections.entryPoint.priority=1`
    stack.yml:4:21: warning[SK4027]: Traefik passes over this service: it lacks the labels that its constraints ask for
      add `traefik.constraint-label: traefik-public` to `deploy.labels`
    stack.yml:6:9: warning[SK4027]: Traefik does not understand its constraints, and takes no service at all: `Label` needs a name and a value
      write Label(`name`, `value`), joined by `&&` and `||`
    stack.yml:6:25: warning[SK4028]: skep calls the router of this service `shop_web`, and not `shop-web`
      write `traefik.http.routers.shop_web.priority`
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is all that they say")]
fn of_stack_files() {
    insta::assert_snapshot!(said(stack::RULES), @r#"
    stack.yml:4:25: error[SK1001]: `replicas` must be a whole number, and this is `many`
    stack.yml:4:16: error[SK1003]: there is no network `front` in this file
      define it under `networks:` at the top of the file
    stack.yml:2:40: warning[SK1004]: in a circle, each waits for the next: `web`, `db`
      leave out one of these dependencies: none of them waits for another now
    stack.yml:2:40: warning[SK1004]: there is no service `database` in this file
    stack.yml:2:41: error[SK1004]: `migrate` never ends: it is started again whenever it does
      write `restart: on-failure` there, or make it a job: `deploy: { mode: replicated-job }`
    stack.yml:2:3: error[SK1005]: the service `web` has neither `image` nor `build`
      add `image: name:version`, or `build: ./folder` for a folder with a Dockerfile
    stack.yml:2:17: error[SK1006]: `Shop/Web:1` is not the name of an image
      names of images are written in lower case
    stack.yml:2:17: error[SK1006]: `shop:` is not the name of an image
      nothing stands behind the colon: is a variable not set?
    stack.yml:4:17: error[SK1007]: the config's file `nginx.conf` is not in the repository
      is it committed, and is the path relative to the stack file?
    stack.yml:4:17: error[SK1008]: the config's file `site.conf` is a symbolic link, or behind one
      commit a copy of the file that the link points to
    stack.yml:3:3: error[SK1009]: `a-shop-with-a-very-long-name_the-service-that-sends-the-invoices` has 64 characters, 63 at most are allowed
      shorten the name of the service or of the stack
    stack.yml:4:13: error[SK1010]: this port cannot be published on all nodes with `endpoint_mode: dnsrr`
      use the long form with `mode: host`, or leave `endpoint_mode` out
    stack.yml:2:39: error[SK1011]: the port 80 is already published by `admin`
      publish it under another number
    stack.yml:2:52: error[SK1012]: something is already mounted at `/data/`
    stack.yml:1:1: error[SK1014]: the stack file has no services
      add `services:` with a name and an image for each
    stack.yml:2:17: error[SK1015]: the Dockerfile `web/Dockerfile` was not read: it is too large
      make it smaller, or bring it into the containers with the image or a volume
    stack.yml:4:21: error[SK1016]: `shop.example.com/path` is not a host name
      write the name alone, such as `shop.example.com`; a path goes into `path`, a port into `port`
    stack.yml:4:21: error[SK1016]: the service `web` names no port, so Traefik cannot know where to send requests
      write `http: { host: shop.example.com/path, port: 80 }` with the port that the container listens on
    stack.yml:4:45: error[SK1017]: there is already a file `key`
      give it another `target`
    stack.yml:3:11: error[SK1018]: the template `web` needs the value `host`
      write it under `values`, as `host: …`
    stack.yml:3:13: error[SK1018]: the template `web` has no value `hots`
      did you mean `host`?
    compose.yaml:1:1: info[SK1019]: this stack file is not deployed
      list it in `skep.yml` to deploy it as well; `stack.yml` is what is deployed
    stack.yml:4:36: error[SK1020]: 512 bytes of memory are too few: Swarm takes 4 MiB or more
      write it with its unit, such as `512M`
    stack.yml:4:18: error[SK1021]: a list begins with CMD, CMD-SHELL or NONE, and not with `curl`
      write CMD before it
      fix: write `CMD` before it (safe: true)
    stack.yml:4:18: error[SK1021]: this is one word to `CMD`: there is no program of this name
      write CMD-SHELL, or each word of its own
      fix: write `CMD-SHELL` (safe: true)
    stack.yml:4:42: error[SK1022]: `node.role = manager` is not a constraint
      write `node.role == manager`
    stack.yml:4:42: error[SK1022]: no node has `node.labels`
      write `node.labels.<name>`
    stacks/wiki/stack.yml:3:39: error[SK1023]: the port 8080 is published by `web` of the stack `shop`
      publish it under another number
    stack.yml:4:52: error[SK1024]: a job is not updated, and Swarm refuses to be told how
      remove it
    stack.yml:3:30: error[SK1025]: no service can join `front`: a network of the driver `bridge` is of one node
      leave `driver` out, or write `overlay`
    stacks/wiki/stack.yml:4:41: error[SK1026]: the config `site-1` is made by the stack `shop`, too
      give it another name, or write `external: true` and make the config in one stack
    stack.yml:3:26: error[SK1027]: the config's file `site.conf` is a pointer of Git LFS, and not the file
      take it out of Git LFS: `git lfs untrack`, and commit the file
    stack.yml:2:31: warning[SK2001]: `container_name` has no effect in a swarm
      Swarm names containers itself, and others find the service by its name; remove it
    stack.yml:4:33: warning[SK2002]: `1.10` becomes `1.1` for `API_VERSION`
      write `"1.10"` if this is what is meant
      fix: write `"1.10"` (safe: false)
    stack.yml:3:24: info[SK2003]: no service uses the network `back`
      use it, or remove it
    stack.yml:3:45: info[SK2004]: what `site` holds can never change: Swarm refuses new content under a name
      leave the name out, and each content has a name of its own
    stack.yml:2:41: warning[SK2005]: what is written to `/var/lib/postgresql/data` is gone with each task
      name the volume, as `data:/var/lib/postgresql/data`; or use `tmpfs` if it may be gone
    stack.yml:4:15: warning[SK2006]: the mode 400 is a decimal number, and means 0620
      write `0400`
      fix: write `0400` (safe: true)
    stack.yml:5:9: warning[SK2007]: the quotes are part of the value of `POSTGRES_DB`
      write `- POSTGRES_DB=shop`, or quote the whole: `- "POSTGRES_DB=shop"`
    stack.yml:5:9: warning[SK2008]: `MODE` comes again below, and only the last counts
      remove one of the two, or put both values into one
    shop.env:1:1: warning[SK2009]: the quotes are part of the value of `NAME`
      write `NAME=a name`
    stack.yml:2:17: warning[SK2020]: the variable TAG is not set
      set TAG in `.env` beside this file, or write `${TAG:-default}`; `$$TAG` if the container is to see `$TAG`
    .env:1:1: warning[SK2021]: none of its variables is set: there is a space in the name `FROM alpine`; write `NAME=value`
      Compose does not take it either; mend it, or leave it out
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until it serves
    stack.yml:4:13: warning[SK3002]: an update cannot start the new task first while the old one holds this port
      use `order: stop-first`, or publish the port in `mode: ingress`
    stack.yml:2:17: warning[SK3003]: `nginx` has no fixed version
      name one: `nginx:<version>`
    stack.yml:5:18: warning[SK3004]: this check may take 2m30s to decide, and the release is given up after 1m
      write `x-skep: { deadline: 4m }` or more, or shorten the check
    stack.yml:5:30: warning[SK3005]: during an update two tasks of postgres write to the same volume
      write `order: stop-first`
    stack.yml:5:25: warning[SK3005]: 2 tasks of postgres write to the same volume
      run one, or give each its own volume
    stack.yml:4:31: info[SK3006]: after 3 failures in all its life a task is not started again
      add `window: 5m`, or leave `max_attempts` out
    stack.yml:4:68: warning[SK3007]: more memory is set aside for a task than it may use
      lower the reservation, or raise the limit
    stack.yml:2:41: info[SK3008]: `/srv/pages` must be there on every node that the task may run on
      add a constraint, or use a named volume
    stacks/wiki/stack.yml:3:41: warning[SK3009]: the stack `shop` writes to `/srv/db` too
      use a place of its own, or mount it read-only
    stack.yml:2:3: info[SK3010]: `web` may use all the memory of its node
      add `deploy: { resources: { limits: { memory: 256M } } }`
    stack.yml:2:3: info[SK3011]: the log of `web` grows until the disk is full
      add `logging: { driver: json-file, options: { max-size: 10m, max-file: "3" } }`
    stack.yml:2:3: info[SK3012]: `web` is gone during every update
      add `deploy: { update_config: { order: start-first } }`
    stack.yml:4:30: info[SK3013]: every task is replaced, also if the new ones fail
      leave `failure_action` out: the update then stops, and skep undoes it
    stack.yml:5:30: warning[SK3015]: during an update the old and the new task of `wiki` write to `pages`
      write `order: stop-first`
    stack.yml:4:20: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable that is set where skep runs: `${NAME}`
    stack.yml:4:19: warning[SK6001]: the password in `DATABASE_URL` is readable by everybody who can read this file
      use a secret, or a variable that is set where skep runs: `${NAME}`
    stack.yml:4:20: warning[SK6001]: the password in `ConnectionStrings__Default` is readable by everybody who can read this file
      use a secret, or a variable that is set where skep runs: `${NAME}`
    stack.yml:4:20: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable that is set where skep runs: `${NAME}`
    shop.env:2:1: warning[SK6001]: `TOKEN` is readable by everybody who can read this file
      use a secret; what is in an `env_file` is in the repository and in every container's settings
    stack.yml:3:30: error[SK6002]: the config's file `password.yaml` is encrypted, and decrypted it could be read by everybody in the swarm
      make it a secret: nothing else is decrypted
    stack.yml:3:30: info[SK6003]: the secret's file `password.txt` can be read by everybody who has the repository
      encrypt it with SOPS, or create the secret by hand and write `external: true`
    stack.yml:4:14: warning[SK6004]: the value of `--requirepass` is readable by everybody who can read this file
      read it from a secret, as a file below /run/secrets
    stack.yml:4:14: warning[SK6004]: the value of `--requirepass` is readable by everybody who can read this file
      read it from a secret, as a file below /run/secrets
    stack.yml:2:40: info[SK6005]: who is in this container is root of the node
      give it a proxy that passes on only what it needs
    stack.yml:2:41: warning[SK6006]: with `ALL` a process can leave its container and is root of the node
      name only what it needs
    stack.yml:2:39: warning[SK6007]: postgres can be reached from outside, on every node of the swarm
      leave it out: services of the stack reach it as `db:5432`
    stack.yml:2:40: warning[SK6008]: who writes to `/` is root of the node
      mount it read-only (`:ro`), or only the folder that is needed
    stack.yml:2:17: error[SK6009]: `ghcr.io/shop/web:1` comes from a registry that is not trusted
      push it to one that the settings name, or add its registry there
    stack.yml:4:13: style[SK7001]: `22:22` is a number to older readers of YAML
      write `"22:22"`
      fix: write `"22:22"` (safe: true)
    stack.yml:1:10: style[SK7002]: `version` has no meaning any more
      remove the line
      fix: remove the line (safe: true)
    stack.yml:1:10: style[SK7003]: blanks at the end of the line
      fix: remove them (safe: true)
    "#);
}
