use insta::assert_snapshot;

use super::shop;
use crate::harness::sandbox::Sandbox;

#[test]
fn what_would_be_deployed_is_a_compose_file() {
    assert_snapshot!(shop("nginx:1.27").run(&["render", "shop"]), @"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      web:
        image: nginx:1.27
        healthcheck:
          test:
            - CMD
            - check
        networks:
          default: {}
        deploy:
          replicas: 2
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      default:
        name: shop_default
    ");
}

#[test]
fn as_written_means_as_written() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shop/stack.yml",
        "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"data:/data\"]\nvolumes: { data: }\n",
    );
    assert_snapshot!(sandbox.run(&["render", "shop", "--as-written"]), @"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      web:
        image: nginx:1.27
        networks:
          default: {}
        volumes:
          - type: volume
            source: data
            target: /data
    networks:
      default:
        name: shop_default
    volumes:
      data:
        name: shop_data
    ");
    assert_snapshot!(sandbox.run(&["render", "shop", "--stack", "other"]), @"
    exit code 0
    --- stdout
    # The stack other as skep renders it: docker stack deploy -c FILE other
    # It needs the folder [SANDBOX]/data/other/data on the nodes.
    services:
      web:
        image: nginx:1.27
        networks:
          default: {}
        volumes:
          - type: bind
            source: [SANDBOX]/data/other/data
            target: /data
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      default:
        name: other_default
    ");
}

#[test]
fn what_is_refused_is_not_rendered() {
    let sandbox = shop("nginx:1.27");
    sandbox.write("shop/stack.yml", "services:\n  web: { image: \"nginx:1.27\", networks: [front] }\n");
    assert_snapshot!(sandbox.run(&["render", "shop"]), @r#"
    exit code 1
    --- stderr
    error[SK1003]: there is no network `front` in this file
     --> stack.yml:2:42
      |
    2 |   web: { image: "nginx:1.27", networks: [front] }
      |                                          ^^^^^
      |
      = help: define it under `networks:` at the top of the file
    "#);
}

#[test]
fn a_variable_without_a_value_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/stack.yml", "services:\n  web: { image: \"nginx:${TAG:?which one}\" }\n");
    assert_snapshot!(sandbox.run(&["render", "shop"]), @r#"
    exit code 1
    --- stderr
    error[SK2020]: the variable TAG (line 2: which one) is not set
     --> stack.yml:2:17
      |
    2 |   web: { image: "nginx:${TAG:?which one}" }
      |                 ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set TAG in `.env`, in `x-skep.variables` of the stack file or in `variables` of skep's settings, or write a default: `${TAG:-…}`
    "#);
}

const BASE: &str =
    "services:\n  web: { image: \"nginx:1.27\", ports: [\"53:53/tcp\", \"53:53/udp\"], read_only: true }\n";
const OVER: &str = "services:\n  web: { image: \"nginx:1.28\", read_only: false, environment: [MODE=test] }\n  debug: { image: \"busybox:1\", profiles: [debug] }\n";

#[test]
fn files_that_are_named_are_laid_over_each_other() {
    let sandbox = Sandbox::new();
    sandbox.write("a.yml", BASE);
    sandbox.write("more/b.yml", OVER);
    let both = sandbox.run(&["render", "-c", "a.yml", "-c", "more/b.yml", "shop"]);
    assert_eq!(sandbox.run(&["render", "-c", "a.yml,more/b.yml", "shop"]), both);
    assert_snapshot!(both, @"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      web:
        image: nginx:1.28
        environment:
          MODE: test
        networks:
          default: {}
        ports:
          - target: 53
            published: 53
            protocol: tcp
            mode: ingress
          - target: 53
            published: 53
            protocol: udp
            mode: ingress
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      default:
        name: shop_default
    ");
    let as_written = sandbox.run(&["render", "--as-written", "-c", "a.yml", "-c", "more/b.yml", "shop"]);
    assert!(as_written.contains("read_only: true"), "{as_written}");
    let debug = sandbox.run(&["render", "-c", "a.yml", "-c", "more/b.yml", "--profile", "debug", "shop"]);
    assert!(debug.contains("image: busybox:1"), "{debug}");
}

#[test]
fn a_folder_may_have_its_stack_in_several_files() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shop/stack.yml",
        "include: [db/compose.yml]\nservices:\n  web: { extends: { file: common/base.yml, service: app }, depends_on: [db] }\n",
    );
    sandbox.write("shop/db/compose.yml", "services: { db: { image: \"postgres:17\", env_file: db.env } }\n");
    sandbox.write("shop/db/db.env", "POSTGRES_DB=shop\n");
    sandbox.write("shop/common/base.yml", "services:\n  app: { image: \"nginx:1.27\", configs: [page] }\n");
    let told = sandbox.run(&["render", "shop"]);
    assert!(told.contains("common/base.yml:2:41"), "{told}");
    sandbox.write("shop/common/base.yml", "services:\n  app: { image: \"nginx:1.27\", user: \"33\" }\n");
    assert_snapshot!(sandbox.run(&["render", "shop"]), @r#"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      db:
        image: postgres:17
        environment:
          POSTGRES_DB: shop
        networks:
          default: {}
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
      web:
        image: nginx:1.27
        user: "33"
        depends_on:
          - db
        networks:
          default: {}
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      default:
        name: shop_default
    "#);
}
