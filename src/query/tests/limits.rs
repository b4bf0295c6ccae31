//! Text that must not stop the server.

use super::Room;

/// On a stack as the threads that serve clients have it.
#[test]
fn a_statement_as_large_as_the_limits_allow_is_planned() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let large = std::thread::Builder::new().stack_size(32 << 20).spawn(move || runtime().block_on(large_statements()));
    large.unwrap().join().unwrap();
}

async fn large_statements() {
    let room = Room::new().await;
    let terms = |term: &str, n: usize, by: &str| vec![term; n].join(by);
    room.check(&format!("SELECT {} AS n", terms("1", 1_900, " + ")), "n integer\n1900").await;
    room.check(&format!("SELECT count(*) FROM t WHERE {}", terms("id = 1", 900, " OR ")), "count bigint\n1").await;
    room.check(&format!("SELECT count(*) FROM ({}) s", terms("SELECT 1", 400, " UNION ALL ")), "count bigint\n400")
        .await;
    room.check(&format!("SELECT {}1{} AS n", "(".repeat(190), ")".repeat(190)), "n integer\n1").await;
    let list: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
    room.check(&format!("SELECT count(*) FROM t WHERE id IN ({})", list.join(", ")), "count bigint\n3").await;
}

#[tokio::test]
async fn functions_that_allocate_have_a_limit() {
    let room = Room::new().await;
    for text in [
        "SELECT repeat('a', 2000000000)",
        "SELECT length(repeat(name, 2000000000)) FROM t",
        "SELECT lpad('a', 2000000000)",
        "SELECT rpad('a', 2000000000, 'b')",
        "SELECT array_repeat(1, 2000000000)",
        "SELECT generate_series(1, 2000000000)",
        "SELECT length(concat(repeat('x', 200000000), repeat('x', 200000000)))",
        "SELECT concat_ws(repeat('x', 200000000), 'a', 'b', 'c')",
        "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
        "SELECT length(replace(repeat(name, 100000), 'a', repeat('y', 100000))) FROM t",
        "SELECT length(regexp_replace(repeat('x', 10000000), 'x', repeat('y', 10000), 'g'))",
        "SELECT length(regexp_replace(repeat('x', 10000000), '(x+)', repeat('\\1', 1000)))",
        "SELECT array_length(string_to_array(repeat(',', 100000000), ','), 1)",
        "SELECT length(array_to_string(array_repeat('x', 100000), repeat('y', 100000)))",
        "SELECT length(format('%1000000000s', 'x'))",
    ] {
        assert_eq!(room.error(text).await.sqlstate(), "54000", "{text}");
    }
    room.check("SELECT length(repeat('ab', 1000))", "length integer\n2000").await;
    room.check(
        "SELECT length(concat(repeat('ab', 1000), 'c')), length(concat_ws(', ', 'ab', 'c'))",
        "length integer, length integer\n2001|5",
    )
    .await;
    // As many as there could be would be too many, but there are fewer.
    room.check(
        "SELECT length(replace(repeat('x', 100000) || 'z', 'z', repeat('y', 100000)))",
        "length integer\n200000",
    )
    .await;
    room.check(
        "SELECT length(regexp_replace(repeat('x', 100000) || 'Z', 'z', repeat('y', 100000), 'gi'))",
        "length integer\n200000",
    )
    .await;
    room.check("SELECT array_length(string_to_array(repeat('x', 40000000), ','), 1)", "array_length integer\n1").await;
    room.check("SELECT length(format('%-100000s|', 'x'))", "length integer\n100001").await;
    assert_eq!(room.error("SELECT format('%9999999999s', 'x')").await.sqlstate(), "22003");
}

#[tokio::test]
async fn what_cannot_be_planned_in_time_is_refused() {
    let room = Room::new().await;
    let with = |uses: &str, count: usize| {
        let steps =
            (1..count).map(|n| format!("c{n} AS (SELECT a.x FROM {})", uses.replace("before", &format!("c{}", n - 1))));
        let steps: Vec<_> = std::iter::once("c0 AS (SELECT 1 AS x)".to_string()).chain(steps).collect();
        format!("WITH {} SELECT count(*) FROM c{}", steps.join(", "), count - 1)
    };
    let joined = |count: usize| {
        let relations: Vec<_> = (0..count).map(|n| format!("generate_series(1, 1) g{n}")).collect();
        format!("SELECT count(*) FROM {}", relations.join(", "))
    };
    for text in [with("before a", 2_000), with("before a, before b", 40), joined(1_000)] {
        let error = room.error(&text).await;
        assert_eq!(error.sqlstate(), "54001", "{}", error.message);
        assert!(error.offset.is_some_and(|at| at > 0), "{error:?}");
    }
    for text in [with("before a", 100), with("before a, before b", 8), joined(50)] {
        room.check(&text, "count bigint\n1").await;
    }
}

/// PostgreSQL's own limits.
#[tokio::test]
async fn what_is_too_wide_is_refused() {
    let room = Room::new().await;
    let columns = |count: usize| vec!["1"; count].join(", ");
    let cube = |count: usize| {
        let columns: Vec<_> = (0..count).map(|n| format!("c{n}")).collect();
        let values: Vec<_> = columns.iter().map(|name| format!("1 AS {name}")).collect();
        format!("SELECT count(*) FROM (SELECT {}) s GROUP BY CUBE ({})", values.join(", "), columns.join(", "))
    };
    let sets = |count: usize| {
        let sets = vec!["(id)"; count].join(", ");
        format!("SELECT count(*) FROM t GROUP BY GROUPING SETS ({sets})")
    };
    for (text, state) in [
        (format!("SELECT {}", columns(1_665)), "54011"),
        (cube(13), "54011"),
        (sets(4_097), "54001"),
        (format!("SELECT count(*) FROM t GROUP BY {}", vec!["CUBE (id)"; 13].join(", ")), "54001"),
    ] {
        let error = room.error(&text).await;
        assert_eq!(error.sqlstate(), state, "{}", error.message);
    }
    room.answer(&format!("SELECT {}", columns(1_664)), &[]).await.unwrap();
    room.check(&cube(2), "count bigint\n1\n1\n1\n1").await;
    room.check(&sets(3), "count bigint\n1\n1\n1\n1\n1\n1\n1\n1\n1").await;
}
