//! A second checker of proofs of lists, in another language and by other means, written
//! from `arrangement/proofs/FORMAT.md` alone. The standard library only: integers of any
//! size, JSON, CSV and SHA-256 are below. `rustc -O second_listing_checker.rs`, then
//! `second_listing_checker PROOF DATA.csv`; 0 if the proof holds, 1 if not.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;

type Res<T> = Result<T, String>;

fn demand(holds: bool, why: &str) -> Res<()> {
    if holds { Ok(()) } else { Err(why.to_string()) }
}

// ---------------------------------------------------------------- integers

/// Digits in base 2^32, lowest first, without zeros on top.
type Digits = Vec<u32>;

/// An integer: a machine word where it fits one (nearly always), else sign and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Int {
    Word(i64),
    Long(bool, Digits),
}

fn trimmed(mut digits: Digits) -> Digits {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn of_size(mut size: u128) -> Digits {
    let mut digits = vec![];
    while size > 0 {
        digits.push(size as u32);
        size >>= 32;
    }
    digits
}

fn order(a: &[u32], b: &[u32]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn plus(a: &[u32], b: &[u32]) -> Digits {
    let (mut sum, mut carry) = (vec![], 0u64);
    for k in 0..a.len().max(b.len()) + 1 {
        let digit = |x: &[u32]| x.get(k).copied().unwrap_or(0) as u64;
        carry += digit(a) + digit(b);
        sum.push(carry as u32);
        carry >>= 32;
    }
    trimmed(sum)
}

/// a - b, where b is not larger.
fn minus(a: &[u32], b: &[u32]) -> Digits {
    let (mut left, mut borrow) = (vec![], 0i64);
    for (k, &x) in a.iter().enumerate() {
        let value = x as i64 - b.get(k).copied().unwrap_or(0) as i64 + borrow;
        left.push(value as u32);
        borrow = value >> 32;
    }
    trimmed(left)
}

fn times(a: &[u32], b: &[u32]) -> Digits {
    let mut product = vec![0u32; a.len() + b.len()];
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0u64;
        for (j, &y) in b.iter().enumerate() {
            carry += x as u64 * y as u64 + product[i + j] as u64;
            product[i + j] = carry as u32;
            carry >>= 32;
        }
        product[i + b.len()] = carry as u32;
    }
    trimmed(product)
}

fn bits(a: &[u32]) -> usize {
    a.last().map_or(0, |x| 32 * a.len() - x.leading_zeros() as usize)
}

fn shifted(a: &[u32], by: usize) -> Digits {
    let mut out = vec![0u32; by / 32];
    let mut carry = 0u64;
    for &x in a {
        carry |= (x as u64) << (by % 32);
        out.push(carry as u32);
        carry >>= 32;
    }
    out.push(carry as u32);
    trimmed(out)
}

fn halved(a: &[u32]) -> Digits {
    let above = |k: usize| a.get(k + 1).copied().unwrap_or(0);
    trimmed((0..a.len()).map(|k| a[k] >> 1 | above(k) << 31).collect())
}

/// Quotient and remainder, bit by bit.
fn divided(a: &[u32], b: &[u32]) -> (Digits, Digits) {
    let mut rest = a.to_vec();
    let extra = (bits(a) + 1).saturating_sub(bits(b));
    let mut quotient = vec![0u32; extra / 32 + 1];
    let mut part = shifted(b, extra);
    for k in (0..=extra).rev() {
        if order(&part, &rest) != Ordering::Greater {
            rest = minus(&rest, &part);
            quotient[k / 32] |= 1 << (k % 32);
        }
        part = halved(&part);
    }
    (trimmed(quotient), rest)
}

impl Int {
    fn new(is_negative: bool, digits: Digits) -> Int {
        if digits.len() <= 2 {
            let size = digits.iter().rev().fold(0i128, |sum, &x| sum << 32 | x as i128);
            if let Ok(word) = i64::try_from(if is_negative { -size } else { size }) {
                return Int::Word(word);
            }
        }
        Int::Long(is_negative, digits)
    }
    fn wide(value: i128) -> Int {
        match i64::try_from(value) {
            Ok(word) => Int::Word(word),
            Err(_) => Int::Long(value < 0, of_size(value.unsigned_abs())),
        }
    }
    fn decimal(is_negative: bool, text: &str) -> Int {
        let mut size: Digits = vec![];
        for chunk in text.as_bytes().chunks(9) {
            let value = chunk.iter().fold(0u32, |sum, c| 10 * sum + (c - b'0') as u32);
            size = plus(&times(&size, &[10u32.pow(chunk.len() as u32)]), &of_size(value as u128));
        }
        Int::new(is_negative, size)
    }
    fn parts(&self) -> (bool, Digits) {
        match self {
            Int::Word(word) => (*word < 0, of_size(word.unsigned_abs() as u128)),
            Int::Long(is_negative, digits) => (*is_negative, digits.clone()),
        }
    }
    fn sign(&self) -> i64 {
        match self {
            Int::Word(word) => word.signum(),
            Int::Long(is_negative, _) => if *is_negative { -1 } else { 1 },
        }
    }
    fn negated(&self) -> Int {
        let (is_negative, size) = self.parts();
        Int::new(!is_negative, size)
    }
    fn sum(&self, other: &Int) -> Int {
        if let (Int::Word(a), Int::Word(b)) = (self, other) {
            return Int::wide(*a as i128 + *b as i128);
        }
        let ((p, a), (q, b)) = (self.parts(), other.parts());
        match order(&a, &b) {
            _ if p == q => Int::new(p, plus(&a, &b)),
            Ordering::Less => Int::new(q, minus(&b, &a)),
            _ => Int::new(p, minus(&a, &b)),
        }
    }
    fn product(&self, other: &Int) -> Int {
        if let (Int::Word(a), Int::Word(b)) = (self, other) {
            return Int::wide(*a as i128 * *b as i128);
        }
        let ((p, a), (q, b)) = (self.parts(), other.parts());
        Int::new(p != q, times(&a, &b))
    }
    /// The greatest common divisor, at least 0.
    fn common(&self, other: &Int) -> Int {
        if let (Int::Word(a), Int::Word(b)) = (self, other) {
            let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
            while b > 0 {
                (a, b) = (b, a % b);
            }
            return Int::wide(a as i128);
        }
        let (mut a, mut b) = (self.parts().1, other.parts().1);
        while !b.is_empty() {
            let rest = divided(&a, &b).1;
            (a, b) = (b, rest);
        }
        Int::new(false, a)
    }
    /// self / other, where nothing is left.
    fn shared(&self, other: &Int) -> Int {
        if let (Int::Word(a), Int::Word(b)) = (self, other) {
            return Int::wide(*a as i128 / *b as i128);
        }
        let ((p, a), (q, b)) = (self.parts(), other.parts());
        Int::new(p != q, divided(&a, &b).0)
    }
    fn text(&self) -> String {
        if let Int::Word(word) = self {
            return word.to_string();
        }
        let (is_negative, mut size) = self.parts();
        let mut groups = vec![];
        while !size.is_empty() {
            let (next, digit) = divided(&size, &[1_000_000_000]);
            groups.push(format!("{:09}", digit.first().copied().unwrap_or(0)));
            size = next;
        }
        groups.reverse();
        let digits = groups.concat();
        format!("{}{}", if is_negative { "-" } else { "" }, digits.trim_start_matches('0'))
    }
}

const ZERO: Int = Int::Word(0);
const ONE: Int = Int::Word(1);

fn dot(x: &[Int], z: &[Int]) -> Int {
    x.iter().zip(z).fold(ZERO, |sum, (a, b)| sum.sum(&a.product(b)))
}

/// The vector of integers without a common factor on the line of another one; its first
/// entry that is not zero is positive. None of zero.
fn line_of(x: &[Int]) -> Option<Vec<Int>> {
    let lead = x.iter().find(|a| a.sign() != 0)?;
    let mut factor = x.iter().fold(ZERO, |sum, a| sum.common(a));
    if lead.sign() < 0 {
        factor = factor.negated();
    }
    Some(x.iter().map(|a| a.shared(&factor)).collect())
}

// ---------------------------------------------------------------- JSON

const LONGEST: usize = 1 << 24;
const DEEPEST: usize = 500;
const MOST_DIGITS: usize = 4300;
const LONGEST_CELL: usize = 1 << 17;

enum Json {
    Null,
    Flag(bool),
    Number(Int),
    /// In UTF-16, where halves of letters may be left alone.
    Text(Vec<u16>),
    List(Vec<Json>),
    Object(HashMap<Vec<u16>, Json>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn next(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }
    fn skip_blanks(&mut self) {
        while matches!(self.next(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }
    fn accept(&mut self, c: u8) -> bool {
        self.skip_blanks();
        let is_it = self.next() == c;
        self.at += is_it as usize;
        is_it
    }
    fn value(&mut self, depth: usize) -> Res<Json> {
        demand(depth < DEEPEST, "JSON is nested too deeply")?;
        self.skip_blanks();
        match self.next() {
            b'[' => self.list(depth),
            b'{' => self.object(depth),
            b'"' => Ok(Json::Text(self.string()?)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                for (word, value) in
                    [("null", Json::Null), ("true", Json::Flag(true)), ("false", Json::Flag(false))]
                {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err("no JSON".into())
            }
        }
    }
    fn list(&mut self, depth: usize) -> Res<Json> {
        self.at += 1;
        let mut items = vec![];
        if self.accept(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.accept(b']') {
                return Ok(Json::List(items));
            }
            demand(self.accept(b','), "a list without an end")?;
        }
    }
    fn object(&mut self, depth: usize) -> Res<Json> {
        self.at += 1;
        let mut items = HashMap::new();
        if self.accept(b'}') {
            return Ok(Json::Object(items));
        }
        loop {
            self.skip_blanks();
            demand(self.next() == b'"', "a key is no text")?;
            let key = self.string()?;
            demand(self.accept(b':'), "a key without a value")?;
            items.insert(key, self.value(depth + 1)?);
            if self.accept(b'}') {
                return Ok(Json::Object(items));
            }
            demand(self.accept(b','), "an object without an end")?;
        }
    }
    fn number(&mut self) -> Res<Json> {
        let is_negative = self.next() == b'-';
        self.at += is_negative as usize;
        let begin = self.at;
        while self.next().is_ascii_digit() {
            self.at += 1;
        }
        let digits = &self.text[begin..self.at];
        let is_plain = !digits.is_empty() && (digits == "0" || !digits.starts_with('0'));
        let ends = !matches!(self.next(), b'.' | b'e' | b'E');
        demand(is_plain && ends, "a number is no integer")?;
        demand(digits.len() <= MOST_DIGITS, "an integer is too large")?;
        Ok(Json::Number(Int::decimal(is_negative, digits)))
    }
    fn string(&mut self) -> Res<Vec<u16>> {
        self.at += 1;
        let mut units: Vec<u16> = vec![];
        loop {
            let c = self.text[self.at..].chars().next().ok_or("a text without an end")?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(units),
                '\\' => units.push(self.escaped()?),
                _ => {
                    demand(c >= ' ', "a control character")?;
                    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
                }
            }
        }
    }
    fn escaped(&mut self) -> Res<u16> {
        let code = self.next();
        self.at += 1;
        Ok(match code {
            b'"' | b'\\' | b'/' => code as u16,
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'u' => {
                let hex = self.text.get(self.at..self.at + 4).ok_or("a short escape")?;
                let is_hex = hex.bytes().all(|c| c.is_ascii_hexdigit());
                demand(is_hex, "an escape of something else")?;
                self.at += 4;
                u16::from_str_radix(hex, 16).map_err(|_| "an escape of something else")?
            }
            _ => return Err("an unknown escape".into()),
        })
    }
}

impl Json {
    fn read(line: &str) -> Res<Json> {
        demand(line.chars().count() < LONGEST, "the line is too long")?;
        let mut reader = Reader { text: line, at: 0 };
        let value = reader.value(0)?;
        reader.skip_blanks();
        demand(reader.at == line.len(), "more than one value in a line")?;
        Ok(value)
    }
    fn get(&self, key: &str) -> Res<&Json> {
        match self {
            Json::Object(items) => {
                let units: Vec<u16> = key.encode_utf16().collect();
                items.get(&units).ok_or(format!("no {key}"))
            }
            _ => Err(format!("no object with {key}")),
        }
    }
    fn is_true(&self, key: &str) -> Res<bool> {
        Ok(matches!(self.get(key)?, Json::Flag(true)))
    }
    /// Text; what stands for half a letter is in no table.
    fn text(&self) -> Res<String> {
        match self {
            Json::Text(units) => Ok(String::from_utf16_lossy(units)),
            _ => Err("no text".into()),
        }
    }
    fn list(&self) -> Res<&[Json]> {
        match self {
            Json::List(items) => Ok(items),
            _ => Err("no list".into()),
        }
    }
    fn integer(&self) -> Res<&Int> {
        match self {
            Json::Number(number) => {
                let size = number.parts().1;
                let fits = order(&size, &shifted(&[1], 4096)) != Ordering::Greater;
                demand(fits, "an integer is too large")?;
                Ok(number)
            }
            _ => Err("no integer".into()),
        }
    }
    /// An integer that is at least 0; those beyond a word are as good as the largest.
    fn place(&self) -> Res<usize> {
        let number = self.integer()?;
        demand(number.sign() >= 0, "a place is below 0")?;
        Ok(if let Int::Word(word) = number { *word as usize } else { usize::MAX })
    }
    /// `[place, name]`.
    fn column(&self) -> Res<(usize, String)> {
        match self.list()? {
            [place, name] => Ok((place.place()?, name.text()?)),
            _ => Err("a column is a place and a name".into()),
        }
    }
}

// ---------------------------------------------------------------- SHA-256

/// The largest integer of which the power is at most a number.
fn root(number: u128, power: u32) -> u128 {
    (0..40).rev().fold(0u128, |found, bit| {
        let next = found | 1 << bit;
        if next.pow(power) <= number { next } else { found }
    })
}

/// FIPS 180-4; the constants are the first bits of fractions of roots of primes.
fn sha256(text: &[u8]) -> String {
    let is_prime = |n: &u128| (2..*n).all(|k| n % k > 0);
    let primes: Vec<u128> = (2..312).filter(is_prime).collect();
    let constants: Vec<u32> = primes.iter().map(|&p| root(p << 96, 3) as u32).collect();
    let mut state: Vec<u32> = primes[..8].iter().map(|&p| root(p << 64, 2) as u32).collect();
    let mut padded = text.to_vec();
    padded.push(128);
    padded.resize((text.len() + 9).div_ceil(64) * 64 - 8, 0);
    padded.extend((text.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let word = |b: &[u8]| u32::from_be_bytes([b[0], b[1], b[2], b[3]]);
        let mut w: Vec<u32> = block.chunks(4).map(word).collect();
        let turn = |x: u32, a, b| x.rotate_right(a) ^ x.rotate_right(b);
        for t in 16..64 {
            let low = turn(w[t - 15], 7, 18) ^ w[t - 15] >> 3;
            let high = turn(w[t - 2], 17, 19) ^ w[t - 2] >> 10;
            w.push(w[t - 16].wrapping_add(low).wrapping_add(w[t - 7]).wrapping_add(high));
        }
        let (mut a, mut b, mut c, mut d) = (state[0], state[1], state[2], state[3]);
        let (mut e, mut f, mut g, mut h) = (state[4], state[5], state[6], state[7]);
        for t in 0..64 {
            let one = h
                .wrapping_add(turn(e, 6, 11) ^ e.rotate_right(25))
                .wrapping_add(e & f ^ !e & g)
                .wrapping_add(constants[t])
                .wrapping_add(w[t]);
            let two = (turn(a, 2, 13) ^ a.rotate_right(22)).wrapping_add(a & b ^ a & c ^ b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(one));
            (d, c, b, a) = (c, b, a, one.wrapping_add(two));
        }
        for (sum, x) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *sum = sum.wrapping_add(x);
        }
    }
    state.iter().map(|x| format!("{x:08x}")).collect()
}

// ---------------------------------------------------------------- the table

/// Records of a CSV text; those without any cell are none.
fn records(text: &str, separator: char) -> Res<Vec<Vec<String>>> {
    let (mut all, mut record, mut cell) = (vec![], vec![], String::new());
    let mut letters = text.chars().peekable();
    // whether a cell has begun, whether the record has, and whether quotes are open
    let (mut is_begun, mut is_open) = (false, false);
    loop {
        let letter = letters.next();
        match letter {
            Some('"') if is_open => {
                is_open = letters.next_if_eq(&'"').is_some();
                if is_open {
                    cell.push('"');
                }
            }
            Some(c) if is_open => cell.push(c),
            Some('\r') | Some('\n') | None => {
                if is_begun || !record.is_empty() {
                    record.push(std::mem::take(&mut cell));
                    let is_short = |cell: &String| cell.chars().count() <= LONGEST_CELL;
                    demand(record.iter().all(is_short), "a cell is too long")?;
                    all.push(std::mem::take(&mut record));
                }
                is_begun = false;
                if letter.is_none() {
                    return Ok(all);
                }
            }
            Some(c) if c == separator => {
                record.push(std::mem::take(&mut cell));
                is_begun = false;
            }
            Some('"') if !is_begun => (is_begun, is_open) = (true, true),
            Some(c) => {
                cell.push(c);
                is_begun = true;
            }
        }
    }
}

/// A number as numerator and denominator, in lowest terms.
type Ratio = (Int, Int);

fn ratio(numerator: Int, denominator: Int) -> Ratio {
    let factor = numerator.common(&denominator);
    (numerator.shared(&factor), denominator.shared(&factor))
}

/// What Unicode has for white space, and the separators among the control characters.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

/// The number that a cell shows, or the float64 nearest to it.
fn number(cell: &str, mark: char, is_binary: bool) -> Res<Ratio> {
    let why = || format!("{:?} is no number", cell.chars().take(40).collect::<String>());
    let unsigned = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let is_negative = cell.starts_with('-');
    let (body, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let size = power.strip_prefix(['+', '-']).unwrap_or(power);
    if !are_digits(size) || !(1..=3).contains(&size.len()) {
        return Err(why());
    }
    let size: i64 = size.parse().map_err(|_| why())?;
    let body = if mark == ',' { body.replace(',', ".") } else { body.to_string() };
    let (whole, part) = body.split_once('.').unwrap_or((&body, ""));
    let is_empty = whole.is_empty() && part.is_empty();
    let is_number = are_digits(whole) && are_digits(part) && !is_empty;
    if !is_number || whole.len() > 400 || part.len() > 400 {
        return Err(why());
    }
    let exponent = if power.starts_with('-') { -size } else { size };
    if is_binary {
        let text = format!("{whole}.{part}e{exponent}");
        let bits = text.parse::<f64>().map_err(|_| why())?.to_bits();
        let (biased, fraction) = ((bits >> 52 & 2047) as i64, bits & ((1 << 52) - 1));
        demand(biased < 2047, "a number is beyond float64")?;
        let digits = of_size((fraction | ((biased > 0) as u64) << 52) as u128);
        let shift = biased.max(1) - 1075;
        let unit = Int::new(false, shifted(&[1], shift.unsigned_abs() as usize));
        let digits = Int::new(is_negative, digits);
        return Ok(if shift >= 0 { (digits.product(&unit), ONE) } else { ratio(digits, unit) });
    }
    let digits = Int::decimal(is_negative, &format!("{whole}{part}"));
    let shift = exponent - part.len() as i64;
    let zeros = "0".repeat(shift.unsigned_abs() as usize);
    let unit = Int::decimal(false, &format!("1{zeros}"));
    Ok(if shift >= 0 { (digits.product(&unit), ONE) } else { ratio(digits, unit) })
}

/// The numbers of the columns, and the offset if there is one, of each row.
fn read_table(how: &Json, raw: &[u8]) -> Res<Vec<Vec<Ratio>>> {
    let text = std::str::from_utf8(raw).map_err(|_| "the table is not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_short = |line: &str| line.len() < LONGEST || line.chars().count() < LONGEST;
    demand(text.split_inclusive('\n').all(is_short), "a line of the table is too long")?;
    let mut chosen = how.get("columns")?.list()?.iter().map(Json::column).collect::<Res<Vec<_>>>()?;
    demand(!chosen.is_empty(), "no columns")?;
    if !matches!(how.get("offsets")?, Json::Null) {
        chosen.push(how.get("offsets")?.column()?);
    }
    let separator = how.get("separator")?.text()?;
    let mut letters = separator.chars();
    let (first, more) = (letters.next(), letters.next());
    demand(more.is_none(), "a separator is one character")?;
    let separator = first.ok_or("a separator is one character")?;
    demand(!"\"\r\n".contains(separator), "no separator")?;
    let mark = match how.get("decimal")?.text()?.as_str() {
        "." => '.',
        "," => ',',
        _ => return Err("an unknown decimal mark".into()),
    };
    let is_binary = match how.get("floats")?.text()?.as_str() {
        "binary" => true,
        "decimal" => false,
        _ => return Err("an unknown kind of floats".into()),
    };
    let (header, skip) = (how.get("header")?.place()?, how.get("skip")?.place()?);
    let mut rows = vec![];
    for (k, record) in records(text, separator)?.iter().enumerate() {
        let cell = |place: usize| {
            let found = record.get(place).map(|cell| cell.trim_matches(is_blank));
            found.ok_or(format!("record {} is too short", k + 1))
        };
        if k + 1 == header {
            for (place, name) in &chosen {
                demand(cell(*place)? == name, "the columns have other names")?;
            }
        }
        if k >= skip {
            let one = |(place, _): &(usize, String)| number(cell(*place)?, mark, is_binary);
            rows.push(chosen.iter().map(one).collect::<Res<Vec<_>>>()?);
        }
    }
    demand(!rows.is_empty(), "no rows")?;
    let mut lines = String::new();
    for row in &rows {
        let shown = row.iter().map(|(a, b)| {
            if *b == ONE { a.text() } else { a.text() + "/" + &b.text() }
        });
        lines += &(shown.collect::<Vec<_>>().join(",") + "\n");
    }
    demand(sha256(lines.as_bytes()) == how.get("sha256")?.text()?, "the table has other numbers")?;
    Ok(rows)
}

// ---------------------------------------------------------------- the claim

struct Claim {
    /// Multiples of the rows, in integers.
    rows: Vec<Vec<Int>>,
    width: usize,
    is_affine: bool,
    /// The first row that is not zero, where points stand for their opposites.
    first: Option<usize>,
}

impl Claim {
    fn read(line: &str, table: &[u8]) -> Res<Claim> {
        let claim = Json::read(line)?;
        demand(claim.get("format")?.text()? == "convex-relu listing 1", "another format")?;
        let how = claim.get("data")?;
        let table = read_table(how, table)?;
        let is_affine = !matches!(how.get("offsets")?, Json::Null);
        let is_open = how.is_true("intercept")?;
        let n_columns = how.get("columns")?.list()?.len();
        let width = n_columns + is_open as usize + is_affine as usize;
        let mut rows = vec![];
        for numbers in table {
            let mut row = numbers[..n_columns].to_vec();
            if is_open {
                row.push((ONE, ONE));
            }
            if let Some((a, b)) = numbers.get(n_columns) {
                row.push((a.negated(), b.clone()));
            }
            // times the least common multiple of the denominators
            let unit = row.iter().fold(ONE, |sum, (_, b)| sum.product(&b.shared(&sum.common(b))));
            rows.push(row.iter().map(|(a, b)| a.product(&unit.shared(b))).collect());
        }
        let mut found = Claim { rows, width, is_affine, first: None };
        if claim.is_true("pairs")? {
            demand(!is_affine, "no opposites where there are offsets")?;
            let is_row = |row: &Vec<Int>| row.iter().any(|a| a.sign() != 0);
            found.first = found.rows.iter().position(is_row);
            demand(found.first.is_some(), "no opposites where all rows are zero")?;
        }
        Ok(found)
    }
    /// The pattern at a point, highest words first, so that they compare as numbers.
    fn pattern(&self, line: &Json) -> Res<Vec<u64>> {
        let z = line.list()?.iter().map(|x| x.integer().cloned()).collect::<Res<Vec<_>>>()?;
        demand(z.len() == self.width, "a point of another length")?;
        let is_high = !self.is_affine || z[self.width - 1].sign() > 0;
        demand(is_high, "the last entry of a point is not above 0")?;
        let mut words = vec![0u64; self.rows.len().div_ceil(64)];
        let top = words.len();
        for (i, row) in self.rows.iter().enumerate() {
            let side = dot(row, &z).sign();
            demand(side != 0 || row.iter().all(|a| a.sign() == 0), "a point on a hyperplane")?;
            if side >= 0 {
                words[top - 1 - i / 64] |= 1 << (i % 64);
            }
            demand(self.first != Some(i) || side > 0, "the opposite of a point is due")?;
        }
        Ok(words)
    }
    /// The lines of the rows, infinity before them, in columns that are independent.
    fn lines(&self) -> Vec<Vec<Int>> {
        let mut infinity = vec![ZERO; self.width];
        infinity[self.width - 1] = ONE;
        let first = self.is_affine.then_some(infinity);
        let rows: Vec<&Vec<Int>> = first.iter().chain(&self.rows).collect();
        let kept = pivots(&rows);
        let lines = distinct(rows.into_iter().map(|row| row.to_vec()));
        lines.iter().map(|x| kept.iter().map(|&k| x[k].clone()).collect()).collect()
    }
}

/// The lines of vectors that are not zero, each once, in order.
fn distinct(vectors: impl Iterator<Item = Vec<Int>>) -> Vec<Vec<Int>> {
    let mut seen = HashSet::new();
    vectors.filter_map(|x| line_of(&x)).filter(|x| seen.insert(x.clone())).collect()
}

/// The places where vectors of the space that rows span can begin.
fn pivots(rows: &[&Vec<Int>]) -> BTreeSet<usize> {
    let mut basis: HashMap<usize, Vec<Int>> = HashMap::new();
    for row in rows {
        let mut left = line_of(row);
        while let Some(x) = left {
            let lead = x.iter().position(|a| a.sign() != 0).unwrap_or(0);
            let Some(other) = basis.get(&lead) else {
                basis.insert(lead, x);
                break;
            };
            left = line_of(&eliminated(&x, other, lead));
        }
    }
    basis.into_keys().collect()
}

/// `h_p x - x_p h`.
fn eliminated(x: &[Int], h: &[Int], p: usize) -> Vec<Int> {
    let factor = x[p].negated();
    x.iter().zip(h).map(|(a, b)| h[p].product(a).sum(&factor.product(b))).collect()
}

// ---------------------------------------------------------------- the count

/// What a part of the tree says: a number, or a list.
#[derive(Clone, Copy)]
enum Tree<'a> {
    Level(usize),
    Parts(&'a [Json]),
}

impl Tree<'_> {
    fn of(value: &Json) -> Res<Tree<'_>> {
        match value {
            Json::List(parts) => Ok(Tree::Parts(parts)),
            _ => Ok(Tree::Level(value.place()?)),
        }
    }
}

/// Cover's number of regions of m lines of r entries; what is above a limit is cut off.
fn cover(m: usize, r: usize, limit: u128) -> u128 {
    if m == 0 || r == 0 {
        return 1;
    }
    let (mut sum, mut binomial) = (0u128, 1u128);
    for k in 0..r {
        sum += 2 * binomial;
        if sum > limit || k + 1 >= m {
            break;
        }
        binomial = binomial * (m - 1 - k) as u128 / (k + 1) as u128;
    }
    sum.min(limit + 1)
}

/// The bound of lines of r entries with a tree; an error where it is above a limit.
fn bound(lines: &[Vec<Int>], r: usize, tree: Tree, limit: u128) -> Res<u128> {
    if let Tree::Level(0) = tree {
        let found = cover(lines.len(), r, limit);
        demand(found <= limit, "there may be more patterns")?;
        return Ok(found);
    }
    let fits = match tree {
        Tree::Level(k) => k + 2 <= r,
        Tree::Parts(parts) => r >= 3 && parts.len() == lines.len(),
    };
    demand(fits, "a tree of another form")?;
    let mut sum = 1u128;
    demand(sum <= limit, "there may be more patterns")?;
    for (i, h) in lines.iter().enumerate() {
        let p = h.iter().position(|a| a.sign() != 0).ok_or("a line of zeros")?;
        let cut = distinct(lines[..i].iter().map(|x| {
            let mut row = eliminated(x, h, p);
            row.remove(p);
            row
        }));
        let part = match tree {
            Tree::Level(k) => Tree::Level(k - 1),
            Tree::Parts(parts) => Tree::of(&parts[i])?,
        };
        sum += bound(&cut, r - 1, part, limit - sum)?;
    }
    Ok(sum)
}

fn run(names: &[String], place: &mut String) -> Res<u128> {
    let [proof, table] = names else {
        return Err("usage: PROOF DATA.csv".into());
    };
    let table = fs::read(table).map_err(|error| format!("{table}: {error}"))?;
    let raw = fs::read(proof).map_err(|error| format!("{proof}: {error}"))?;
    let text = std::str::from_utf8(&raw).map_err(|_| "the proof is not UTF-8")?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let lines: Vec<&str> = text.split('\n').collect();
    *place = "line 1: ".into();
    let claim = Claim::read(lines[0], &table)?;
    let (last, points) = lines[1..].split_last().ok_or("nothing follows")?;
    let mut before: Option<Vec<u64>> = None;
    for (k, line) in points.iter().enumerate() {
        *place = format!("line {}: ", k + 2);
        let found = claim.pattern(&Json::read(line)?)?;
        let is_larger = before.as_ref().is_none_or(|other| *other < found);
        demand(is_larger, "a pattern is not larger than the one before")?;
        before = Some(found);
    }
    *place = format!("line {}: ", lines.len());
    let value = Json::read(last)?;
    let count = (points.len() as u128) << claim.first.is_some() as u32;
    let lines = claim.lines();
    let rank = lines.first().map_or(0, |x| x.len());
    let regions = count << claim.is_affine as u32;
    let found = bound(&lines, rank, Tree::of(value.get("count")?)?, regions)?;
    demand(found == regions, "there are not so many patterns")?;
    Ok(count)
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut place = String::new();
    match run(&names, &mut place) {
        Ok(count) => println!("patterns  {count}"),
        Err(why) => {
            println!("not proven: {place}{why}");
            std::process::exit(1);
        }
    }
}
