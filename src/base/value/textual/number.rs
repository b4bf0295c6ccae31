//! Numbers written in decimal, in bytes that are ordered as the numbers are.

/// Sign, exponent and digits; equal numbers (`1`, `1.0`, `10e-1`) have the same bytes.
pub fn order_of_number(text: &str) -> Vec<u8> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i64 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let first = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return vec![1];
    }
    let exponent = exponent + whole.len() as i64 - first as i64;
    let mut order = (exponent.wrapping_sub(i64::MIN) as u64).to_be_bytes().to_vec();
    // One more than the digit, so that no digit is the end.
    order.extend(significant.bytes().map(|digit| digit - b'0' + 1));
    order.push(0);
    if negative {
        order.iter_mut().for_each(|byte| *byte = !*byte);
    }
    order.insert(0, if negative { 0 } else { 2 });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_their_bytes() {
        let numbers = ["-1e3", "-10.5", "-10", "-0.5", "0", "0.05", "0.5", "1", "1.5", "9", "10", "10.5", "100", "1e3"];
        for pair in numbers.windows(2) {
            assert!(order_of_number(pair[0]) < order_of_number(pair[1]), "{pair:?}");
        }
        for same in [["1", "1.0"], ["1000", "1e3"], ["0.50", "5e-1"], ["-0", "0.0"]] {
            assert_eq!(order_of_number(same[0]), order_of_number(same[1]));
        }
    }
}
