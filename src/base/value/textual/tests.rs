//! Every type that is held as text: its one form, and its binary form there and back.

use super::*;

fn check(ty: &str, text: &str, expect: &str) {
    let Some(Type::Textual(held)) = Type::parse(ty) else { panic!("{ty}") };
    let found = read_textual(text, held, &Style::default()).unwrap();
    assert_eq!(found, expect, "{ty} {text}");
    let mut out = BytesMut::new();
    write_binary(&found, held, &mut out).unwrap();
    assert_eq!(read_binary(&out, held).as_deref(), Some(expect), "{ty} {text}");
    for end in 0..out.len() {
        assert_ne!(read_binary(&out[..end], held).as_deref(), Some(expect), "{ty} {text}");
    }
}

#[test]
fn a_text_has_one_form_and_survives_its_binary_form() {
    for (ty, text, expect) in [
        ("timetz", "10:00:00.5-03:30", "10:00:00.5-03:30"),
        ("timetz", "10:00", "10:00:00+00"),
        ("inet", "192.168.1.5/24", "192.168.1.5/24"),
        ("inet", "10.0.0.1/32", "10.0.0.1"),
        ("inet", "2001:DB8::1", "2001:db8::1"),
        ("cidr", "10/8", "10.0.0.0/8"),
        ("cidr", "::1", "::1/128"),
        ("macaddr", "0800.2b01.0203", "08:00:2b:01:02:03"),
        ("macaddr8", "08:00:2b:01:02:03", "08:00:2b:ff:fe:01:02:03"),
        ("bit(3)", "101", "101"),
        ("varbit", "x1F", "00011111"),
        ("xid8", " 7 ", "7"),
        ("tid", "(0,1)", "(0,1)"),
        ("pg_lsn", "0/16b3748", "0/16B3748"),
        ("int4range", "(1,5]", "[2,6)"),
        ("int4range", "(1,2)", "empty"),
        ("numrange", "[1.5,2.5)", "[1.5,2.5)"),
        ("tsrange", "[2024-01-01,2024-01-02)", "[\"2024-01-01 00:00:00\",\"2024-01-02 00:00:00\")"),
        ("daterange", "[2024-01-01,]", "[2024-01-01,)"),
        ("int4multirange", "{[5,7),[1,3),(2,4)}", "{[1,4),[5,7)}"),
    ] {
        check(ty, text, expect);
    }
}

#[test]
fn what_is_no_value_is_refused() {
    for (ty, text, kind) in [
        ("inet", "300.1.1.1", Kind::InvalidText),
        ("cidr", "192.168.1.5/24", Kind::InvalidText),
        ("macaddr", "zz", Kind::InvalidText),
        ("bit(4)", "101", Kind::StringLengthMismatch),
        ("varbit(2)", "101", Kind::StringTooLong),
        ("bit", "102", Kind::InvalidText),
        ("xid", "4294967296", Kind::NumericOutOfRange),
        ("int4range", "[5,1]", Kind::DataException),
        ("int4range", "[1,5", Kind::InvalidText),
        ("timetz", "25:00", Kind::DatetimeOverflow),
    ] {
        let Some(Type::Textual(held)) = Type::parse(ty) else { panic!("{ty}") };
        assert_eq!(read_textual(text, held, &Style::default()).unwrap_err().kind, kind, "{ty} {text}");
    }
}

#[test]
fn values_are_ordered_as_in_postgres() {
    for (ty, values) in [
        ("inet", &["9.0.0.1", "10.0.0.0/8", "10.0.0.9", "10.0.0.10", "::1"][..]),
        ("timetz", &["10:00+02", "10:00+01", "08:00-02"]),
        ("int4range", &["empty", "(,3)", "[1,3)", "[1,9)", "[1,)", "[3,4)"]),
    ] {
        let Some(Type::Textual(held)) = Type::parse(ty) else { panic!("{ty}") };
        let order = |text: &str| order(&read_textual(text, held, &Style::default()).unwrap(), held).unwrap().unwrap();
        for pair in values.windows(2) {
            assert!(order(pair[0]) < order(pair[1]), "{ty} {pair:?}");
        }
    }
}
