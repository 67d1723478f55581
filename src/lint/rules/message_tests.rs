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
    stack.yml:4:14: warning[SK4001]: Traefik does not see this label: it is on the containers instead of the service
      move it to `deploy: { labels: … }`
    stack.yml:6:9: warning[SK4002]: Traefik drops this router: no label defines the port that the service listens on
      add `traefik.http.services.<name>.loadbalancer.server.port=<port>`
    stack.yml:6:9: warning[SK4003]: Traefik has no label `traefik.http.routers.web.entrypoint`
      did you mean `entrypoints`?
    stack.yml:6:9: warning[SK4003]: Traefik has no label `traefik.https.routers.web.rule`
      did you mean `traefik.http.…`?
    stack.yml:6:9: warning[SK4003]: `traefik.http.routers.web` has no effect by itself
      add an option, for example `traefik.http.routers.web.entrypoints`
    stack.yml:7:9: warning[SK4003]: Traefik 3.6.1 has no label `traefik.http.services.web.middlewares`
      it exists since 3.7
    stack.yml:6:45: error[SK4004]: the value of `Host` stands without back-ticks
      write Host(`shop.example.com`)
    stack.yml:6:40: error[SK4004]: this is a rule for Traefik 1, which is invalid in later versions
      write Host(`shop.example.com`) && PathPrefix(`/api`)
    stack.yml:6:68: error[SK4004]: Traefik has no matcher `PathPrefx`
      did you mean `PathPrefix`?
    stack.yml:6:80: error[SK4004]: the path of `PathPrefix` does not begin with `/`
      write PathPrefix(`/api`)
    stack.yml:6:9: error[SK4004]: Go does not take this regular expression: this bracket is not closed
      write it in the syntax of RE2, which has no look-around and no references
    stack.yml:6:9: error[SK4004]: the end of this line is the end of the rule
      put the operator at the end of the line before, or write the rule in one line (`>-`)
    stack.yml:6:40: warning[SK4005]: Traefik 3 takes one value for `Host`, but there are several
      write Host(`a.example.com`) || Host(`b.example.com`)
    stack.yml:6:52: warning[SK4005]: a name in braces is literal text for Traefik 3, and matches nothing
      write a regular expression, such as HostRegexp(`^[a-z]+\.example\.com$`)
    stack.yml:7:9: warning[SK4006]: `yes` is not `true` or `false`, which this label requires
      anything but `true` switches it off
    stack.yml:7:9: warning[SK4006]: `high` is not a whole number, which this label requires
      with this value Traefik ignores all labels of the service
    stack.yml:6:9: warning[SK4007]: `traefik.port` is a label of Traefik 1, which later versions ignore
      write `traefik.http.services.<name>.loadbalancer.server.port`
    stack.yml:7:47: warning[SK4008]: no label of the repository defines the middleware `web-heders`
      did you mean `web-headers`?
    stack.yml:7:47: warning[SK4008]: Traefik 3 has no `web-headers@docker`: middlewares defined by labels in a swarm end in `@swarm`
      write `web-headers@swarm`, or `web-headers` alone
    stack.yml:7:9: warning[SK4008]: Traefik 3 has no `gzip@docker`: middlewares defined by labels in a swarm end in `@swarm`
      write `gzip@swarm`, or `gzip` alone
    stack.yml:7:47: warning[SK4009]: Traefik has no entry point `https`
      this repository defines websecure
    stack.yml:6:9: warning[SK4010]: the router `web` does not name one of the 2 services
      add `traefik.http.routers.web.service=web`
    stack.yml:7:9: warning[SK4010]: no label defines the service `wbe`
      did you mean `web`?
    stacks/wiki/stack.yml:7:9: error[SK4011]: the router `web` is defined differently by the service `web` of the stack `shop`: Traefik drops both
      rename it, for example to `wiki-web`
    stacks/wiki/stack.yml:7:9: error[SK4011]: the router `shop_web` is defined differently by the service `web` of the stack `shop`: Traefik drops both
      rename it: `shop_web` is generated for the service `web`
    stacks/a/stack.yml:3:3: error[SK4011]: the router `a-b-c`, as Traefik names it without a label, is defined differently by the service `c` of the stack `a-b`: Traefik drops both
      name one with a label: `traefik.http.routers.<name>.…`
    stacks/wiki/stack.yml:8:9: warning[SK4012]: the stack `shop` also has a service `web` in Traefik: both share the requests
      rename it, for example to `wiki-web`
    stacks/wiki/stack.yml:7:9: warning[SK4013]: the stack `shop` also claims the requests for Host(`shop.example.com`)
      give one of them a different path, or a `priority`
    stack.yml:4:16: warning[SK4014]: Traefik cannot reach this service: they have no network in common
      join a network of Traefik's: `front`
    stack.yml:8:9: warning[SK4014]: the service does not join the network `front`
      its full name is `shop_front`
    stack.yml:5:15: warning[SK4014]: no network has the name `front`: this is its key in the file
      its full name is `edge_front`; write that, or give it `name: front`
    stack.yml:6:9: warning[SK4015]: Traefik 3 ignores a service with labels `traefik.docker.…` and `traefik.swarm.…`
      use `traefik.swarm.…` only
    stack.yml:6:9: info[SK4016]: `traefik.docker.network` is the old name of a label
      write `traefik.swarm.network`
      fix: write `traefik.swarm.…` (safe: true)
    stack.yml:6:56: warning[SK4017]: nobody can log in as `ada`: there is no password hash
      use the output of `htpasswd -nB NAME`, with `$$` for each `$`
    stack.yml:4:15: warning[SK4018]: Traefik exposes every service of the swarm, even without labels
      add `--providers.swarm.exposedByDefault=false`
    stack.yml:4:14: warning[SK4018]: Traefik exposes every service of the swarm, even without labels
      add `--docker.exposedByDefault=false`
    stack.yml:7:9: warning[SK4019]: the router `web` is for HTTPS, but has no TLS
      add `traefik.http.routers.web.tls=true`, or a certificate resolver
    stack.yml:6:47: warning[SK4020]: only connections with TLS carry a host name, but this router has no TLS
      write HostSNI(`*`), or add `traefik.tcp.routers.db.tls=true`
    stack.yml:6:9: warning[SK4021]: certificates are lost with the container: `/acme/acme.json` is not on a volume
      mount a named volume at its folder
    stack.yml:6:9: warning[SK4021]: several tasks of Traefik cannot share one file of certificates
      run one task, or obtain the certificates with another program
    stack.yml:4:15: warning[SK4022]: Traefik may be started on a worker, whose engine does not know the services of the swarm
      add `deploy: { placement: { constraints: [node.role == manager] } }`
    stack.yml:4:15: error[SK4023]: Traefik 3.7 has no option `--providers.docker.swarmmode`, and does not start
      write `--providers.swarm`
    stack.yml:4:57: error[SK4023]: Traefik 3.7 has no option `--experimental.http3`, and does not start
      remove it
    stack.yml:4:84: error[SK4023]: Traefik 3.7 has no option `--tracing.jaeger`, and does not start
      remove it
    stack.yml:4:15: error[SK4023]: `--providers.swarm.exposedbydefault` requires `true` or `false`; Traefik does not start with `no`
    stack.yml:3:12: warning[SK4024]: Traefik 3.3 cannot connect to Docker 29 or newer, so it has no routes there
      write `traefik:v3.7`, or v3.6.1 and later
    stack.yml:3:12: warning[SK4024]: Traefik 3.6.0 cannot connect to Docker 29 or newer, so it has no routes there
      write `traefik:v3.7`, or v3.6.1 and later
    stack.yml:8:3: warning[SK4025]: Traefik polls for tasks every 15s, but those of `web` are killed after 10s: visitors get errors during updates
      add `--providers.swarm.refreshSeconds=2`
    stack.yml:4:24: warning[SK4025]: a task is killed after 1s, but Traefik polls for tasks every 2s
      write 10s or more
    stack.yml:4:69: warning[SK4026]: no request arrives here: the entry point `web` redirects everything to `websecure`
      use another entry point, or start Traefik with `--entryPoints.web.http.redirections.entryPoint.priority=1`
    stack.yml:4:21: warning[SK4027]: Traefik ignores this service: it lacks the labels that Traefik's constraints require
      add `traefik.constraint-label: traefik-public` to `deploy.labels`
    stack.yml:6:9: warning[SK4027]: Traefik's constraints are invalid and exclude all services: `Label` needs a name and a value
      write Label(`name`, `value`), joined by `&&` and `||`
    stack.yml:6:25: warning[SK4028]: skep names the router of this service `shop_web`, not `shop-web`
      write `traefik.http.routers.shop_web.priority`
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is all that they say")]
fn of_stack_files() {
    insta::assert_snapshot!(said(stack::RULES), @r#"
    stack.yml:4:25: error[SK1001]: `replicas` must be a whole number, but is `many`
    stack.yml:4:16: error[SK1003]: there is no network `front` in this file
      define it under `networks:` at the top of the file
    stack.yml:2:40: warning[SK1004]: these services wait for each other in a cycle: `web`, `db`
      remove one of these dependencies; until then none of them is waited for
    stack.yml:2:40: warning[SK1004]: there is no service `database` in this file
    stack.yml:2:41: error[SK1004]: `migrate` never ends: it is restarted whenever it exits
      write `restart: on-failure` there, or make it a job: `deploy: { mode: replicated-job }`
    stack.yml:2:3: error[SK1005]: the service `web` has neither `image` nor `build`
      add `image: name:version`, or `build: ./folder` for a folder with a Dockerfile
    stack.yml:2:17: error[SK1006]: `Shop/Web:1` is not the name of an image
      names of images are in lower case
    stack.yml:2:17: error[SK1006]: `shop:` is not the name of an image
      nothing follows the colon: is a variable not set?
    stack.yml:4:17: error[SK1007]: the config's file `nginx.conf` is not in the repository
      is it committed, and is the path relative to the stack file?
    stack.yml:4:17: error[SK1008]: the config's file `site.conf` is a symbolic link, or reached through one
      commit a copy of the target file
    stack.yml:3:3: error[SK1009]: `a-shop-with-a-very-long-name_the-service-that-sends-the-invoices` has 64 characters; at most 63 are allowed
      shorten the name of the service or of the stack
    stack.yml:4:13: error[SK1010]: this port cannot be published on all nodes with `endpoint_mode: dnsrr`
      use the long form with `mode: host`, or remove `endpoint_mode`
    stack.yml:2:39: error[SK1011]: the port 80 is already published by `admin`
      publish another port
    stack.yml:2:52: error[SK1012]: another volume is already mounted at `/data/`
    stack.yml:1:1: error[SK1014]: the stack file has no services
      add `services:` with a name and an image for each
    stack.yml:2:17: error[SK1015]: the Dockerfile `web/Dockerfile` was not read: it is too large
      make it smaller, or put it in the image or a volume
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
      list it in `skep.yml` to deploy it as well; only `stack.yml` is deployed
    stack.yml:4:36: error[SK1020]: 512 bytes of memory are too few: Swarm's minimum is 4 MiB
      add the unit, for example `512M`
    stack.yml:4:18: error[SK1021]: the list must begin with CMD, CMD-SHELL or NONE, not with `curl`
      put CMD before it
      fix: put `CMD` before it (safe: true)
    stack.yml:4:18: error[SK1021]: `CMD` takes this as the name of a single program
      write CMD-SHELL, or split the words into items
      fix: write `CMD-SHELL` (safe: true)
    stack.yml:4:42: error[SK1022]: `node.role = manager` is not a constraint
      write `node.role == manager`
    stack.yml:4:42: error[SK1022]: no node has `node.labels`
      write `node.labels.<name>`
    stacks/wiki/stack.yml:3:39: error[SK1023]: the port 8080 is published by `web` of the stack `shop`
      publish another port
    stack.yml:4:52: error[SK1024]: Swarm refuses update settings for a job
      remove it
    stack.yml:3:30: error[SK1025]: no service can join `front`: networks with the driver `bridge` are local to a node
      remove `driver`, or write `overlay`
    stacks/wiki/stack.yml:4:41: error[SK1026]: the stack `shop` also defines the config `site-1`
      rename it, or define the config in one stack and write `external: true` in the other
    stack.yml:3:26: error[SK1027]: the config's file `site.conf` is a Git LFS pointer instead of the file
      remove it from Git LFS with `git lfs untrack`, and commit the file
    stack.yml:2:31: warning[SK2001]: `container_name` has no effect in a swarm
      Swarm names containers itself, and others find the service by its name; remove it
    stack.yml:4:33: warning[SK2002]: `1.10` becomes `1.1` for `API_VERSION`
      write `"1.10"` if you mean the text
      fix: write `"1.10"` (safe: false)
    stack.yml:3:24: info[SK2003]: no service uses the network `back`
      use it, or remove it
    stack.yml:3:45: info[SK2004]: the contents of `site` can never change: Swarm refuses new contents for an existing name
      remove the name, so that skep derives it from the contents
    stack.yml:2:41: warning[SK2005]: data written to `/var/lib/postgresql/data` is lost with each task
      name the volume, for example `data:/var/lib/postgresql/data`; or use `tmpfs` for temporary data
    stack.yml:4:15: warning[SK2006]: the mode 400 is a decimal number, which means 0620
      write `0400`
      fix: write `0400` (safe: true)
    stack.yml:5:9: warning[SK2007]: the quotes are part of the value of `POSTGRES_DB`
      write `- POSTGRES_DB=shop`, or quote the whole: `- "POSTGRES_DB=shop"`
    stack.yml:5:9: warning[SK2008]: `MODE` appears again below, and only the last one counts
      remove one of the two, or combine the values
    shop.env:1:1: warning[SK2009]: the quotes are part of the value of `NAME`
      write `NAME=a name`
    stack.yml:2:17: warning[SK2020]: the variable TAG is not set
      set TAG in `.env` beside this file, or write `${TAG:-default}`; `$$TAG` if the container is to see `$TAG`
    .env:1:1: warning[SK2021]: none of its variables is set: there is a space in the name `FROM alpine`; write `NAME=value`
      Compose refuses it as well; correct it, or remove it
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:4:13: warning[SK3002]: an update cannot start the new task first, because the old one holds this port
      use `order: stop-first`, or publish the port in `mode: ingress`
    stack.yml:2:17: warning[SK3003]: `nginx` has no fixed version
      add one: `nginx:<version>`
    stack.yml:5:18: warning[SK3004]: this check may take 2m30s to decide, but the deadline of the release is 1m
      write `x-skep: { deadline: 4m }` or more, or shorten the check
    stack.yml:5:30: warning[SK3005]: during an update two tasks of postgres write to the same volume
      write `order: stop-first`
    stack.yml:5:25: warning[SK3005]: 2 tasks of postgres write to the same volume
      run one task, or give each task its own volume
    stack.yml:4:31: info[SK3006]: after 3 failures, however far apart, a task is no longer restarted
      add `window: 5m`, or remove `max_attempts`
    stack.yml:4:68: warning[SK3007]: more memory is reserved for a task than it may use
      lower the reservation, or increase the limit
    stack.yml:2:41: info[SK3008]: `/srv/pages` must exist on every node that the task may run on
      add a constraint, or use a named volume
    stacks/wiki/stack.yml:3:41: warning[SK3009]: the stack `shop` also writes to `/srv/db`
      use a separate place, or mount it read-only
    stack.yml:2:3: info[SK3010]: `web` may use all the memory of its node
      add `deploy: { resources: { limits: { memory: 256M } } }`
    stack.yml:2:3: info[SK3011]: the log of `web` grows until the disk is full
      add `logging: { driver: json-file, options: { max-size: 10m, max-file: "3" } }`
    stack.yml:2:3: info[SK3012]: `web` is down during every update
      add `deploy: { update_config: { order: start-first } }`
    stack.yml:4:30: info[SK3013]: every task is replaced, even if the new ones fail
      remove `failure_action`: the update then stops, and skep rolls it back
    stack.yml:5:30: warning[SK3015]: during an update the old and the new task of `wiki` write to `pages`
      write `order: stop-first`
    stack.yml:4:20: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    stack.yml:4:19: warning[SK6001]: the password in `DATABASE_URL` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    stack.yml:4:20: warning[SK6001]: the password in `ConnectionStrings__Default` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    stack.yml:4:20: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    shop.env:2:1: warning[SK6001]: `TOKEN` is readable by everybody who can read this file
      use a secret; variables of an `env_file` are readable in the repository and in the settings of containers
    stack.yml:3:30: error[SK6002]: the config's file `password.yaml` is encrypted, but everybody with access to the swarm could read the decrypted contents
      make it a secret: only secrets are decrypted
    stack.yml:3:30: info[SK6003]: everybody who can read the repository can read the secret's file `password.txt`
      encrypt it with SOPS, or create the secret by hand and write `external: true`
    stack.yml:4:14: warning[SK6004]: the value of `--requirepass` is readable by everybody who can read this file
      read it from a secret, as a file below /run/secrets
    stack.yml:4:14: warning[SK6004]: the value of `--requirepass` is readable by everybody who can read this file
      read it from a secret, as a file below /run/secrets
    stack.yml:2:40: info[SK6005]: mounting the Docker socket gives the container root on the node
      use a proxy that forwards only the requests that it needs
    stack.yml:2:41: warning[SK6006]: with `ALL` a process can escape from its container and become root on the node
      add only the capabilities that it needs
    stack.yml:2:39: warning[SK6007]: postgres can be reached from outside, on every node of the swarm
      remove it: services of the stack can reach it as `db:5432`
    stack.yml:2:40: warning[SK6008]: write access to `/` gives root on the node
      mount it read-only (`:ro`), or mount only the folder that is needed
    stack.yml:2:17: error[SK6009]: `ghcr.io/shop/web:1` comes from a registry that is not trusted
      push it to a trusted registry, or add its registry to `trusted-registries`
    stack.yml:4:13: style[SK7001]: `22:22` is a number for older YAML parsers
      write `"22:22"`
      fix: write `"22:22"` (safe: true)
    stack.yml:1:10: style[SK7002]: `version` no longer has a meaning
      remove the line
      fix: remove the line (safe: true)
    stack.yml:1:10: style[SK7003]: trailing spaces
      fix: remove them (safe: true)
    "#);
}
