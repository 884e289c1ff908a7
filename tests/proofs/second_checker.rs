//! A second checker of proofs, in another language and by other means, written from
//! `convex_solver/proofs/FORMAT.md` and `LINEAR.md` alone. The standard library only: integers of any
//! size, fractions, JSON, CSV and SHA-256 are below. `rustc -O second_checker.rs`, then
//! `second_checker PROOF [PROOF ...] DATA.csv`; 0 if the proof holds, 1 if not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

type Res<T> = Result<T, String>;

fn demand(holds: bool, why: &str) -> Res<()> {
    if holds { Ok(()) } else { Err(why.to_string()) }
}

// ---------------------------------------------------------------- integers

/// Sign and magnitude; the magnitude in base 2^32, lowest first, no zeros on top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Int {
    neg: bool,
    mag: Vec<u32>,
}

fn trim(mag: &mut Vec<u32>) {
    while mag.last() == Some(&0) {
        mag.pop();
    }
}

fn cmp_mag(a: &[u32], b: &[u32]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn add_mag(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(long.len() + 1);
    let mut carry = 0u64;
    for (k, &x) in long.iter().enumerate() {
        let sum = x as u64 + short.get(k).map_or(0, |&y| y as u64) + carry;
        out.push(sum as u32);
        carry = sum >> 32;
    }
    if carry > 0 {
        out.push(carry as u32);
    }
    out
}

/// a - b for a >= b.
fn sub_mag(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    let mut borrow = 0i64;
    for (k, &x) in a.iter().enumerate() {
        let mut left = x as i64 - b.get(k).map_or(0, |&y| y as i64) - borrow;
        borrow = (left < 0) as i64;
        left += borrow << 32;
        out.push(left as u32);
    }
    trim(&mut out);
    out
}

fn shl_mag(a: &[u32], bits: usize) -> Vec<u32> {
    if a.is_empty() {
        return vec![];
    }
    let (words, rest) = (bits / 32, bits % 32);
    let mut out = vec![0u32; words];
    let mut carry = 0u64;
    for &x in a {
        let moved = ((x as u64) << rest) | carry;
        out.push(moved as u32);
        carry = moved >> 32;
    }
    out.push(carry as u32);
    trim(&mut out);
    out
}

/// Quotient and remainder (Knuth, volume 2, algorithm D).
fn divide_mag(a: &[u32], b: &[u32]) -> (Vec<u32>, Vec<u32>) {
    assert!(!b.is_empty(), "division by zero");
    if cmp_mag(a, b) == Ordering::Less {
        return (vec![], a.to_vec());
    }
    let shift = b[b.len() - 1].leading_zeros() as usize;
    let v = shl_mag(b, shift);
    let mut u = shl_mag(a, shift);
    u.resize(a.len() + 1, 0);
    let (n, m) = (v.len(), u.len() - v.len());
    let mut q = vec![0u32; m];
    for j in (0..m).rev() {
        let top = ((u[j + n] as u128) << 64)
            | ((u[j + n - 1] as u128) << 32)
            | (if n > 1 { u[j + n - 2] } else { 0 }) as u128;
        let low = if n > 1 { v[n - 2] } else { 0 };
        let divisor = ((v[n - 1] as u128) << 32) | low as u128;
        let mut guess = (top / divisor).min(u32::MAX as u128) as u64;
        let (mut borrow, mut carry) = (0i64, 0u64);
        for k in 0..n {
            let product = guess * v[k] as u64 + carry;
            carry = product >> 32;
            let left = u[j + k] as i64 - (product as u32) as i64 - borrow;
            borrow = (left < 0) as i64;
            u[j + k] = left as u32;
        }
        let left = u[j + n] as i64 - carry as i64 - borrow;
        u[j + n] = left as u32;
        let mut is_over = left < 0;
        while is_over {
            guess -= 1;
            let mut carry = 0u64;
            for k in 0..n {
                let sum = u[j + k] as u64 + v[k] as u64 + carry;
                u[j + k] = sum as u32;
                carry = sum >> 32;
            }
            let sum = u[j + n] as u64 + carry;
            u[j + n] = sum as u32;
            is_over = sum >> 32 == 0;
        }
        q[j] = guess as u32;
    }
    trim(&mut q);
    u.truncate(n);
    trim(&mut u);
    // undo the shift
    let mut carry = 0u32;
    for x in u.iter_mut().rev() {
        let old = *x;
        *x = if shift == 0 { old } else { (old >> shift) | carry };
        carry = if shift == 0 { 0 } else { old << (32 - shift) };
    }
    trim(&mut u);
    (q, u)
}

impl Int {
    fn new(neg: bool, mut mag: Vec<u32>) -> Int {
        trim(&mut mag);
        Int { neg: neg && !mag.is_empty(), mag }
    }
    fn from(x: i64) -> Int {
        let size = x.unsigned_abs();
        Int::new(x < 0, vec![size as u32, (size >> 32) as u32])
    }
    fn power(bits: usize) -> Int {
        Int::from(1).shl(bits)
    }
    fn parse(text: &str) -> Res<Int> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let fits = (1..=1300).contains(&digits.len());
        demand(fits && digits.bytes().all(|c| c.is_ascii_digit()), "no short integer")?;
        Ok(Int::new(text.starts_with('-'), Int::digits(digits)))
    }
    fn digits(text: &str) -> Vec<u32> {
        let mut mag: Vec<u32> = vec![];
        for c in text.bytes() {
            let mut carry = (c - b'0') as u64;
            for x in mag.iter_mut() {
                let next = *x as u64 * 10 + carry;
                *x = next as u32;
                carry = next >> 32;
            }
            if carry > 0 {
                mag.push(carry as u32);
            }
        }
        mag
    }
    fn text(&self) -> String {
        let (mut parts, mut left) = (vec![], self.mag.clone());
        while !left.is_empty() {
            let (next, digit) = divide_mag(&left, &[1_000_000_000]);
            parts.push(digit.first().copied().unwrap_or(0));
            left = next;
        }
        let mut out = if self.neg { "-".to_string() } else { String::new() };
        out += &parts.pop().unwrap_or(0).to_string();
        for part in parts.iter().rev() {
            out += &format!("{part:09}");
        }
        out
    }
    fn is_zero(&self) -> bool {
        self.mag.is_empty()
    }
    fn sign(&self) -> i32 {
        if self.is_zero() { 0 } else if self.neg { -1 } else { 1 }
    }
    fn bits(&self) -> usize {
        self.mag.last().map_or(0, |x| 32 * self.mag.len() - x.leading_zeros() as usize)
    }
    fn negated(&self) -> Int {
        Int::new(!self.neg, self.mag.clone())
    }
    fn abs(&self) -> Int {
        Int::new(false, self.mag.clone())
    }
    fn add(&self, other: &Int) -> Int {
        if self.neg == other.neg {
            return Int::new(self.neg, add_mag(&self.mag, &other.mag));
        }
        match cmp_mag(&self.mag, &other.mag) {
            Ordering::Less => Int::new(other.neg, sub_mag(&other.mag, &self.mag)),
            _ => Int::new(self.neg, sub_mag(&self.mag, &other.mag)),
        }
    }
    fn sub(&self, other: &Int) -> Int {
        self.add(&other.negated())
    }
    fn mul(&self, other: &Int) -> Int {
        let mut out = vec![0u32; self.mag.len() + other.mag.len()];
        for (i, &x) in self.mag.iter().enumerate() {
            let mut carry = 0u64;
            for (j, &y) in other.mag.iter().enumerate() {
                let sum = x as u64 * y as u64 + out[i + j] as u64 + carry;
                out[i + j] = sum as u32;
                carry = sum >> 32;
            }
            out[i + other.mag.len()] = carry as u32;
        }
        Int::new(self.neg != other.neg, out)
    }
    fn shl(&self, bits: usize) -> Int {
        Int::new(self.neg, shl_mag(&self.mag, bits))
    }
    /// How often two divides the number, which is not zero.
    fn twos(&self) -> usize {
        let zeros = self.mag.iter().take_while(|x| **x == 0).count();
        32 * zeros + self.mag.get(zeros).map_or(0, |x| x.trailing_zeros() as usize)
    }
    /// Towards zero.
    fn shr(&self, bits: usize) -> Int {
        let (words, rest) = (bits / 32, bits % 32);
        let mut mag = self.mag.get(words..).unwrap_or(&[]).to_vec();
        if rest > 0 {
            for k in 0..mag.len() {
                let above = mag.get(k + 1).copied().unwrap_or(0);
                mag[k] = (mag[k] >> rest) | (above << (32 - rest));
            }
        }
        Int::new(self.neg, mag)
    }
    /// The largest integer at most self / other, for other > 0.
    fn div_floor(&self, other: &Int) -> Int {
        let (q, r) = divide_mag(&self.mag, &other.mag);
        let found = Int::new(self.neg, q);
        if self.neg && !r.is_empty() { found.sub(&Int::from(1)) } else { found }
    }
    /// The largest integer of which the square is at most self >= 0 (bit by bit).
    fn root(&self) -> Int {
        let mut found = Int::from(0);
        for k in (0..=self.bits() / 2).rev() {
            let next = found.add(&Int::power(k));
            if next.mul(&next).at_most(self) {
                found = next;
            }
        }
        found
    }
    /// The largest integer at most self / 2^bits.
    fn floor_shr(&self, bits: usize) -> Int {
        let cut = self.shr(bits);
        if self.neg && cut.shl(bits) != *self { cut.sub(&Int::from(1)) } else { cut }
    }
    fn is_odd(&self) -> bool {
        self.mag.first().is_some_and(|x| x & 1 == 1)
    }
    /// Half of an even number.
    fn half(&self) -> Int {
        self.shr(1)
    }
    fn gcd(&self, other: &Int) -> Int {
        let (mut a, mut b) = (self.mag.clone(), other.mag.clone());
        while !b.is_empty() {
            let rest = divide_mag(&a, &b).1;
            a = std::mem::replace(&mut b, rest);
        }
        Int::new(false, a)
    }
    fn cmp(&self, other: &Int) -> Ordering {
        self.sub(other).sign().cmp(&0)
    }
    fn at_most(&self, other: &Int) -> bool {
        self.cmp(other) != Ordering::Greater
    }
}

fn dot(p: &[Int], q: &[Int]) -> Int {
    p.iter().zip(q).fold(Int::from(0), |sum, (x, y)| sum.add(&x.mul(y)))
}

// ---------------------------------------------------------------- fractions

#[derive(Clone, Debug, PartialEq, Eq)]
struct Q {
    n: Int,
    d: Int,
}

impl Q {
    fn new(n: Int, d: Int) -> Q {
        let n = if d.neg { n.negated() } else { n };
        // a power of two is what most denominators are
        if d.twos() + 1 == d.bits() {
            let common = if n.is_zero() { d.twos() } else { n.twos().min(d.twos()) };
            return Q { n: n.shr(common), d: d.abs().shr(common) };
        }
        let size = n.gcd(&d);
        if size.mag == [1] {
            return Q { n, d: d.abs() };
        }
        Q { n: n.exact(&size), d: d.abs().exact(&size) }
    }
    fn int(x: i64) -> Q {
        Q { n: Int::from(x), d: Int::from(1) }
    }
    fn whole(x: &Int) -> Q {
        Q { n: x.clone(), d: Int::from(1) }
    }
    fn add(&self, o: &Q) -> Q {
        Q::new(self.n.mul(&o.d).add(&o.n.mul(&self.d)), self.d.mul(&o.d))
    }
    fn neg(&self) -> Q {
        Q { n: self.n.negated(), d: self.d.clone() }
    }
    fn sub(&self, o: &Q) -> Q {
        self.add(&o.neg())
    }
    fn mul(&self, o: &Q) -> Q {
        Q::new(self.n.mul(&o.n), self.d.mul(&o.d))
    }
    fn div(&self, o: &Q) -> Q {
        Q::new(self.n.mul(&o.d), self.d.mul(&o.n))
    }
    fn abs(&self) -> Q {
        Q { n: self.n.abs(), d: self.d.clone() }
    }
    fn sign(&self) -> i32 {
        self.n.sign()
    }
    fn le(&self, o: &Q) -> bool {
        self.n.mul(&o.d).at_most(&o.n.mul(&self.d))
    }
    fn max(&self, o: &Q) -> Q {
        if self.le(o) { o.clone() } else { self.clone() }
    }
    fn min(&self, o: &Q) -> Q {
        if self.le(o) { self.clone() } else { o.clone() }
    }
    fn floor(&self) -> Int {
        self.n.div_floor(&self.d)
    }
    /// The nearest integer, the even one of two.
    fn round(&self) -> Int {
        let found = self.add(&Q::new(Int::from(1), Int::from(2))).floor();
        let is_half = self.d.mag == [2];
        if is_half && found.is_odd() { found.sub(&Int::from(1)) } else { found }
    }
    /// Down to a multiple of 2^-bits.
    fn down(&self, bits: usize) -> Q {
        Q::new(self.n.shl(bits).div_floor(&self.d), Int::power(bits))
    }
    fn up(&self, bits: usize) -> Q {
        self.neg().down(bits).neg()
    }
    fn power(e: i64) -> Q {
        let size = Int::power(e.unsigned_abs() as usize);
        if e >= 0 { Q::whole(&size) } else { Q { n: Int::from(1), d: size } }
    }
    /// About the number, for people.
    fn shown(&self) -> f64 {
        let shift = 64 + self.d.bits() as i64 - self.n.bits() as i64;
        let scaled = self.mul(&Q::power(shift)).floor();
        let high = scaled.mag.iter().rev().fold(0.0, |sum, &x| sum * 4294967296.0 + x as f64);
        let value = high * 2f64.powi((-shift / 2) as i32) * 2f64.powi((-shift - -shift / 2) as i32);
        if self.n.neg { -value } else { value }
    }
}

impl Int {
    /// The quotient, where there is no remainder.
    fn exact(&self, other: &Int) -> Int {
        Int::new(self.neg, divide_mag(&self.mag, &other.mag).0)
    }
}

const BITS: usize = 200;

/// Bounds of exp(x), |x| <= 4000: the series at x / 2^k, squared k times, in intervals.
fn exp_bounds(x: &Q) -> Res<(Q, Q)> {
    demand(x.abs().le(&Q::int(4000)), "a number is too large for exp")?;
    if x.sign() < 0 {
        let (low, high) = exp_bounds(&x.neg())?;
        return Ok((Q::int(1).div(&high), Q::int(1).div(&low)));
    }
    let small = x.mul(&Q::power(-14));
    let (a, b) = (small.down(BITS), small.up(BITS));
    let (mut low, mut high) = (Q::int(1), Q::int(1));
    let (mut p, mut q) = (Q::int(1), Q::int(1));
    for k in 1..60 {
        p = p.mul(&a).div(&Q::int(k)).down(BITS);
        q = q.mul(&b).div(&Q::int(k)).up(BITS);
        low = low.add(&p);
        high = high.add(&q);
    }
    high = high.add(&q);
    for _ in 0..14 {
        low = low.mul(&low).down(BITS);
        high = high.mul(&high).up(BITS);
    }
    Ok((low, high))
}

/// Bounds of artanh(z), |z| <= 1/3, by its series.
fn artanh_bounds(z: &Q) -> (Q, Q) {
    if z.sign() < 0 {
        let (low, high) = artanh_bounds(&z.neg());
        return (high.neg(), low.neg());
    }
    let square = z.mul(z);
    let (s, t) = (square.down(BITS), square.up(BITS));
    let (mut p, mut q) = (z.down(BITS), z.up(BITS));
    let (mut low, mut high) = (Q::int(0), Q::int(0));
    for k in 0..80 {
        let odd = Q::int(2 * k + 1);
        low = low.add(&p.div(&odd).down(BITS));
        high = high.add(&q.div(&odd).up(BITS));
        p = p.mul(&s).down(BITS);
        q = q.mul(&t).up(BITS);
    }
    // what is left out: less than q (1 + 1/9 + ...)
    (low, high.add(&q.add(&q)))
}

/// Bounds of log(x), x > 0: x = 2^k m with m in [1/2, 2].
fn log_bounds(x: &Q) -> (Q, Q) {
    let k = x.n.bits() as i64 - x.d.bits() as i64;
    let m = x.mul(&Q::power(-k));
    let one = Q::int(1);
    let (low, high) = artanh_bounds(&m.sub(&one).div(&m.add(&one)));
    let (a, b) = artanh_bounds(&Q::new(Int::from(1), Int::from(3)));
    let times = Q::int(k);
    let (c, d) = (a.mul(&times), b.mul(&times));
    let two = Q::int(2);
    (low.add(&c.min(&d)).mul(&two), high.add(&c.max(&d)).mul(&two))
}

/// Bounds of x log x.
fn x_log_x(x: &Q) -> (Q, Q) {
    if x.sign() == 0 {
        return (Q::int(0), Q::int(0));
    }
    let (low, high) = log_bounds(x);
    (x.mul(&low), x.mul(&high))
}

// ---------------------------------------------------------------- JSON

enum Json {
    Null,
    Flag(bool),
    Number(Int),
    Text(String),
    List(Vec<Json>),
    Object(HashMap<String, Json>),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn blank(&mut self) {
        while self.at < self.text.len() && b" \t\r\n".contains(&self.text[self.at]) {
            self.at += 1;
        }
    }
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
    fn take(&mut self, c: u8) -> bool {
        self.blank();
        let is = self.peek() == c;
        self.at += is as usize;
        is
    }
    fn value(&mut self, depth: usize) -> Res<Json> {
        demand(depth < 32, "too deep")?;
        self.blank();
        match self.peek() {
            b'{' => {
                self.at += 1;
                let mut map = HashMap::new();
                if self.take(b'}') {
                    return Ok(Json::Object(map));
                }
                loop {
                    self.blank();
                    let key = self.string()?;
                    demand(self.take(b':'), "no colon")?;
                    map.insert(key, self.value(depth + 1)?);
                    if !self.take(b',') {
                        demand(self.take(b'}'), "no end of an object")?;
                        return Ok(Json::Object(map));
                    }
                }
            }
            b'[' => {
                self.at += 1;
                let mut list = vec![];
                if self.take(b']') {
                    return Ok(Json::List(list));
                }
                loop {
                    list.push(self.value(depth + 1)?);
                    if !self.take(b',') {
                        demand(self.take(b']'), "no end of a list")?;
                        return Ok(Json::List(list));
                    }
                }
            }
            b'"' => Ok(Json::Text(self.string()?)),
            _ => {
                let begin = self.at;
                while self.at < self.text.len() && !b",]}: \t\r\n".contains(&self.text[self.at]) {
                    self.at += 1;
                }
                let word = std::str::from_utf8(&self.text[begin..self.at]).map_err(|_| "no text")?;
                match word {
                    "null" => Ok(Json::Null),
                    "true" => Ok(Json::Flag(true)),
                    "false" => Ok(Json::Flag(false)),
                    _ => {
                        let digits = word.strip_prefix('-').unwrap_or(word);
                        let plain = digits == "0" || !digits.starts_with('0');
                        demand(plain, "no integer of JSON")?;
                        Ok(Json::Number(Int::parse(word)?))
                    }
                }
            }
        }
    }
    fn string(&mut self) -> Res<String> {
        demand(self.peek() == b'"', "no string")?;
        self.at += 1;
        let mut units: Vec<u16> = vec![];
        loop {
            let rest = std::str::from_utf8(&self.text[self.at..]).map_err(|_| "no text")?;
            let c = rest.chars().next().ok_or("a string without an end")?;
            self.at += c.len_utf8();
            match c {
                '"' => return String::from_utf16(&units).map_err(|_| "half a letter".into()),
                '\\' => {
                    let code = self.peek();
                    self.at += 1;
                    let known = match code {
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'"' | b'\\' | b'/' => code as char,
                        b'u' => {
                            let hex = self.text.get(self.at..self.at + 4).ok_or("an escape")?;
                            let hex = std::str::from_utf8(hex).map_err(|_| "an escape")?;
                            units.push(u16::from_str_radix(hex, 16).map_err(|_| "an escape")?);
                            self.at += 4;
                            continue;
                        }
                        _ => return Err("an unknown escape".into()),
                    };
                    units.push(known as u16);
                }
                _ => {
                    demand(c >= ' ', "a control character")?;
                    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
                }
            }
        }
    }
}

impl Json {
    fn read(line: &str) -> Res<Json> {
        demand(line.chars().count() < 1 << 26, "the line is too long")?;
        let mut parser = Parser { text: line.as_bytes(), at: 0 };
        let value = parser.value(0)?;
        parser.blank();
        demand(parser.at == line.len(), "more than one value in a line")?;
        Ok(value)
    }
    fn get(&self, key: &str) -> Res<&Json> {
        match self {
            Json::Object(map) => map.get(key).ok_or(format!("no {key}")),
            _ => Err(format!("no object with {key}")),
        }
    }
    fn list(&self) -> Res<&[Json]> {
        match self {
            Json::List(list) => Ok(list),
            _ => Err("no list".into()),
        }
    }
    fn text(&self) -> Res<&str> {
        match self {
            Json::Text(text) => Ok(text),
            _ => Err("no text".into()),
        }
    }
    fn number(&self) -> Res<&Int> {
        match self {
            Json::Number(x) if x.abs().at_most(&Int::power(4096)) => Ok(x),
            _ => Err("no integer in range".into()),
        }
    }
    fn small(&self, least: i64, most: i64) -> Res<i64> {
        let x = self.number()?;
        let fits = Int::from(least).at_most(x) && x.at_most(&Int::from(most));
        demand(fits, "an integer is out of range")?;
        let size = x.mag.iter().rev().fold(0i64, |sum, &y| (sum << 32) | y as i64);
        Ok(if x.neg { -size } else { size })
    }
    fn numbers(&self) -> Res<Vec<Int>> {
        self.list()?.iter().map(|x| Ok(x.number()?.clone())).collect()
    }
    fn dyadic(&self) -> Res<Q> {
        let parts = self.list()?;
        demand(parts.len() == 2 || parts.len() == 3, "no two or three integers")?;
        let power = Q::power(parts[1].small(-4096, 4096)?);
        let divisor = if parts.len() == 3 { parts[2].number()?.clone() } else { Int::from(1) };
        demand(divisor.sign() > 0, "a divisor is not positive")?;
        Ok(Q::new(parts[0].number()?.clone(), divisor).mul(&power))
    }
    fn dyadics(&self) -> Res<Vec<Q>> {
        self.list()?.iter().map(Json::dyadic).collect()
    }
}

// ---------------------------------------------------------------- SHA-256

/// The digest in hexadecimal (FIPS 180-4); its constants are roots of primes.
fn sha256(text: &[u8]) -> String {
    let primes: Vec<u64> = (2u64..).filter(|n| (2..*n).all(|k| n % k > 0)).take(64).collect();
    // the first 32 bits of the fractions of square and cube roots, by bisection
    let root = |n: u64, power: u32| -> u32 {
        let (mut low, mut high) = (0u128, 1u128 << 40);
        while high - low > 1 {
            let middle = (low + high) / 2;
            let is_below = middle.pow(power) <= (n as u128) << (32 * power);
            if is_below { low = middle } else { high = middle }
        }
        low as u32
    };
    let constants: Vec<u32> = primes.iter().map(|&n| root(n, 3)).collect();
    let mut state: Vec<u32> = primes[..8].iter().map(|&n| root(n, 2)).collect();
    let mut data = text.to_vec();
    data.push(0x80);
    while data.len() % 64 != 56 {
        data.push(0);
    }
    data.extend_from_slice(&(8 * text.len() as u64).to_be_bytes());
    for block in data.chunks(64) {
        let mut w: Vec<u32> =
            block.chunks(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
        for i in 16..64 {
            let (a, b) = (w[i - 15], w[i - 2]);
            let s = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let t = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            w.push(w[i - 16].wrapping_add(s).wrapping_add(w[i - 7]).wrapping_add(t));
        }
        let mut h = state.clone();
        for i in 0..64 {
            let s = h[4].rotate_right(6) ^ h[4].rotate_right(11) ^ h[4].rotate_right(25);
            let choice = (h[4] & h[5]) ^ (!h[4] & h[6]);
            let one = [s, choice, constants[i], w[i]].iter().fold(h[7], |x, &y| x.wrapping_add(y));
            let t = h[0].rotate_right(2) ^ h[0].rotate_right(13) ^ h[0].rotate_right(22);
            let major = (h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]);
            h.rotate_right(1);
            h[4] = h[4].wrapping_add(one);
            h[0] = one.wrapping_add(t).wrapping_add(major);
        }
        for (x, y) in state.iter_mut().zip(h) {
            *x = x.wrapping_add(y);
        }
    }
    state.iter().map(|x| format!("{x:08x}")).collect()
}

// ---------------------------------------------------------------- the table

/// Records of a CSV text (RFC 4180); empty lines are none.
fn records(text: &str, separator: char) -> Res<Vec<Vec<String>>> {
    let (mut all, mut record, mut cell) = (vec![], vec![], String::new());
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let (mut is_quoted, mut is_new) = (false, true);
    while let Some(c) = chars.next() {
        if is_quoted {
            if c != '"' {
                cell.push(c);
            } else if chars.peek() == Some(&'"') {
                chars.next();
                cell.push('"');
            } else {
                is_quoted = false;
            }
        } else if c == '"' && is_new {
            (is_quoted, is_new) = (true, false);
        } else if c == separator {
            record.push(std::mem::take(&mut cell));
            is_new = true;
        } else if c == '\n' || c == '\r' {
            if !(record.is_empty() && cell.is_empty() && is_new) {
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            is_new = true;
        } else {
            cell.push(c);
            is_new = false;
        }
    }
    if !(record.is_empty() && cell.is_empty() && is_new) {
        record.push(cell);
        all.push(record);
    }
    Ok(all)
}

/// The number that a cell shows, or the float64 nearest to it.
fn decimal(cell: &str, mark: &str, is_binary: bool) -> Res<Q> {
    let text = if mark == "," { cell.replace(',', ".") } else { cell.to_string() };
    let why = "the table has something else than a number";
    let (body, power) = match text.find(['e', 'E']) {
        Some(k) => {
            let digits = text[k + 1..].strip_prefix(['+', '-']).unwrap_or(&text[k + 1..]);
            let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
            demand(fits, why)?;
            let size: i64 = digits.parse().map_err(|_| why)?;
            (&text[..k], if text[k + 1..].starts_with('-') { -size } else { size })
        }
        None => (&text[..], 0),
    };
    let unsigned = body.strip_prefix(['+', '-']).unwrap_or(body);
    let (left, right) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let plain = |s: &str| s.len() <= 400 && s.bytes().all(|c| c.is_ascii_digit());
    demand(plain(left) && plain(right) && !(left.is_empty() && right.is_empty()), why)?;
    if is_binary {
        let bits = text.parse::<f64>().map_err(|_| why)?.to_bits();
        let exponent = (bits >> 52 & 2047) as i64;
        demand(exponent < 2047, "a number is beyond float64")?;
        let hidden = if exponent > 0 { 1u64 << 52 } else { 0 };
        let size = ((bits & ((1 << 52) - 1)) | hidden) as i64;
        let signed = if bits >> 63 == 1 { -size } else { size };
        return Ok(Q::int(signed).mul(&Q::power(exponent.max(1) - 1075)));
    }
    let whole = Int::new(body.starts_with('-'), Int::digits(&format!("{left}{right}")));
    let shift = power - right.len() as i64;
    let ten = Int::new(false, Int::digits(&format!("1{}", "0".repeat(shift.unsigned_abs() as usize))));
    Ok(if shift >= 0 { Q::whole(&whole.mul(&ten)) } else { Q::new(whole, ten) })
}

/// Numbers that classes may stand for, here.
const MOST: i64 = 1 << 60;

struct Data {
    rows: Vec<Vec<Q>>,
    patches: usize,
    y: Vec<Q>,
    c: Vec<Q>,
}

fn read_data(how: &Json, loss: &str, text: &str) -> Res<Data> {
    let mut chosen = vec![];
    let column = |part: &Json| -> Res<(usize, String)> {
        let pair = part.list()?;
        demand(pair.len() == 2, "no column")?;
        Ok((pair[0].small(0, 1 << 40)? as usize, pair[1].text()?.to_string()))
    };
    for part in how.get("columns")?.list()? {
        chosen.push(column(part)?);
    }
    let width = chosen.len();
    chosen.push(column(how.get("target")?)?);
    let weights = how.get("weights")?;
    let is_weighted = !matches!(weights, Json::Null);
    if is_weighted {
        chosen.push(column(weights)?);
    }
    let mark = how.get("separator")?.text()?;
    demand(mark.chars().count() == 1, "a separator has one character")?;
    let header = how.get("header")?.small(0, 1 << 40)?;
    let skip = how.get("skip")?.small(0, 1 << 40)?;
    let comma = how.get("decimal")?.text()?;
    let is_binary = how.get("floats")?.text()? == "binary";
    let classes: HashMap<&str, i64> = match how.get("classes")? {
        Json::Object(map) => {
            let code = |(name, x): (_, &Json)| Ok((String::as_str(name), x.small(-MOST, MOST)?));
            map.iter().map(code).collect::<Res<_>>()?
        }
        _ => return Err("no classes".into()),
    };
    let mut samples: Vec<Vec<Q>> = vec![];
    for (k, record) in records(text, mark.chars().next().unwrap_or(','))?.iter().enumerate() {
        let cell = |place: usize| record.get(place).map(|x| x.trim()).ok_or("a short record");
        for (place, name) in &chosen {
            let same = k as i64 + 1 != header || cell(*place)? == name;
            demand(same, "columns have other names")?;
        }
        if k as i64 >= skip {
            let number = |(j, (place, _)): (usize, &(usize, String))| {
                let text = cell(*place)?;
                if classes.is_empty() || j != width {
                    return decimal(text, comma, is_binary);
                }
                Ok(Q::int(*classes.get(text).ok_or("another class")?))
            };
            samples.push(chosen.iter().enumerate().map(number).collect::<Res<_>>()?);
        }
    }
    let patches = how.get("patches")?.small(1, 1 << 20)? as usize;
    demand(!samples.is_empty() && width > 0 && width % patches == 0, "no rows")?;
    let mut lines = String::new();
    for sample in &samples {
        let numbers: Vec<String> = sample
            .iter()
            .map(|x| if x.d.mag == [1] { x.n.text() } else { x.n.text() + "/" + &x.d.text() })
            .collect();
        lines += &(numbers.join(",") + "\n");
    }
    demand(sha256(lines.as_bytes()) == how.get("sha256")?.text()?, "the table has other data")?;
    let (center, scale) = (how.get("center")?.dyadics()?, how.get("scale")?.dyadics()?);
    let d = width / patches;
    demand(center.len() == d && scale.len() == d, "a scaling of other data")?;
    demand(scale.iter().all(|b| b.sign() > 0), "a scale that is not positive")?;
    let is_open = matches!(how.get("intercept")?, Json::Flag(true));
    let mut data = Data { rows: vec![], patches, y: vec![], c: vec![] };
    for sample in &samples {
        for patch in sample[..width].chunks(d) {
            let scaled = patch.iter().enumerate().map(|(k, x)| x.sub(&center[k]).div(&scale[k]));
            let mut row: Vec<Q> = scaled.collect();
            if is_open {
                row.push(Q::int(1));
            }
            data.rows.push(row);
        }
        data.y.push(sample[width].clone());
        data.c.push(if is_weighted { sample[width + 1].clone() } else { Q::int(1) });
    }
    let labels = ["hinge", "squared_hinge", "logistic"].contains(&loss);
    demand(!labels || data.y.iter().all(|y| y.abs() == Q::int(1)), "labels are -1 and 1")?;
    demand(loss != "poisson" || data.y.iter().all(|y| y.sign() >= 0), "a count below 0")?;
    demand(data.c.iter().all(|c| c.sign() > 0), "a weight is not positive")?;
    Ok(data)
}

// ---------------------------------------------------------------- losses

/// The loss of one sample, from above.
fn loss_above(name: &str, t: &Q, f: &Q, y: &Q) -> Res<Q> {
    let (e, one, half) = (f.sub(y).abs(), Q::int(1), Q::new(Int::from(1), Int::from(2)));
    let margin = one.sub(&y.mul(f)).max(&Q::int(0));
    let zero = Q::int(0);
    Ok(match name {
        "squared" => e.mul(&e).mul(&half),
        "absolute" => e,
        "exact" => {
            demand(e.sign() == 0, "the network misses a target")?;
            e
        }
        "huber" if e.le(t) => e.mul(&e).mul(&half),
        "huber" => t.mul(&e).sub(&t.mul(t).mul(&half)),
        "quantile" if f.le(y) => t.mul(&e),
        "quantile" => one.sub(t).mul(&e),
        "epsilon_insensitive" => e.sub(t).max(&zero),
        "hinge" => margin,
        "squared_hinge" => margin.mul(&margin),
        "logistic" => {
            // log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))
            let x = y.mul(f).neg();
            let small = exp_bounds(&x.abs().min(&Q::int(4000)).neg())?.1;
            x.max(&zero).add(&log_bounds(&one.add(&small)).1)
        }
        "poisson" => exp_bounds(f)?.1.sub(&y.mul(f)).sub(y).add(&x_log_x(y).1),
        _ => return Err("unknown loss".into()),
    })
}

/// Minus the conjugate of the loss of one sample of weight 1, from below.
fn dual_below(name: &str, t: &Q, v: &Q, y: &Q) -> Res<Q> {
    let (a, one, zero) = (v.mul(y).neg(), Q::int(1), Q::int(0));
    let quarter = v.mul(v).mul(&Q::power(-2));
    let (inside, value) = match name {
        "squared" => (true, a.sub(&quarter).sub(&quarter)),
        "exact" => (true, a),
        "absolute" => (v.abs().le(&one), a),
        "huber" => (v.abs().le(t), a.sub(&quarter).sub(&quarter)),
        "quantile" => (t.neg().le(v) && v.le(&one.sub(t)), a),
        "epsilon_insensitive" => (v.abs().le(&one), a.sub(&t.mul(&v.abs()))),
        "hinge" => (zero.le(&a) && a.le(&one), a),
        "squared_hinge" => (zero.le(&a), a.sub(&quarter)),
        "logistic" => {
            demand(zero.le(&a) && a.le(&one), "v is outside the domain")?;
            (true, x_log_x(&a).1.add(&x_log_x(&one.sub(&a)).1).neg())
        }
        "poisson" => {
            let m = y.add(v);
            demand(m.sign() >= 0, "v is outside the domain")?;
            (true, m.sub(&x_log_x(&m).1).sub(y).add(&x_log_x(y).0))
        }
        _ => return Err("unknown loss".into()),
    };
    demand(inside, "v is outside the domain")?;
    Ok(value)
}

fn check_parameter(name: &str, t: &Q) -> Res<()> {
    let (zero, one) = (Q::int(0), Q::int(1));
    let fits = match name {
        "huber" | "epsilon_insensitive" => zero.le(t),
        "quantile" => zero.le(t) && t.le(&one),
        _ => true,
    };
    demand(fits, "the parameter of the loss is out of range")
}

// ---------------------------------------------------------------- rows and cones

struct Rows {
    a: Vec<Vec<Int>>,
    e: Vec<i32>,
    linear: Vec<Int>,
    bound: Int,
    rank: usize,
    bits: usize,
}

/// The three sizes of line 4.
fn three(how: &Json) -> Res<[i64; 3]> {
    let found = how.get("bits")?.list()?;
    demand(found.len() == 3, "no three sizes")?;
    Ok([found[0].small(0, 4096)?, found[1].small(0, 4096)?, found[2].small(0, 4096)?])
}

fn integer_rows(data: &Data, v: &[Q], beta: &Q, how: &Json) -> Res<Rows> {
    let [bits, _, k] = three(how)?;
    let unit = Q::power(-k);
    let mut w: Vec<Vec<Q>> = vec![];
    for row in how.get("basis")?.list()? {
        w.push(row.numbers()?.iter().map(|x| Q::whole(x).mul(&unit)).collect());
    }
    let (d, r) = (data.rows[0].len(), w.first().map_or(0, |row| row.len()));
    demand(w.len() == d && r > 0 && r <= d && w.iter().all(|row| row.len() == r), "another basis")?;
    let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut groups: Vec<(Vec<Int>, Q)> = vec![];
    let mut linear = vec![Q::int(0); d];
    for (i, row) in data.rows.iter().enumerate() {
        if row.iter().all(|x| x.sign() == 0) {
            continue;
        }
        let common = row.iter().fold(Int::from(1), |m, x| m.mul(&x.d).exact(&m.gcd(&x.d)));
        let whole: Vec<Int> = row.iter().map(|x| x.n.mul(&common.exact(&x.d))).collect();
        let size = whole.iter().fold(Int::from(0), |g, x| g.gcd(x));
        let side = whole.iter().map(|x| x.sign()).find(|s| *s != 0).unwrap_or(1);
        let p: Vec<Int> = whole
            .iter()
            .map(|x| if side > 0 { x.exact(&size) } else { x.exact(&size).negated() })
            .collect();
        let key = p.iter().map(Int::text).collect();
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((p, Q::int(0)));
            groups.len() - 1
        });
        let part = v[i / data.patches].mul(&Q::new(size, common));
        groups[place].1 = groups[place].1.add(&part);
        if side < 0 {
            for (sum, x) in linear.iter_mut().zip(row) {
                *sum = sum.add(&v[i / data.patches].mul(x));
            }
        }
    }
    let scale = Q::power(bits).div(beta);
    let mut rows = Rows { a: vec![], e: vec![], linear: vec![], bound: Int::from(0), rank: r, bits: bits as usize };
    let mut rest = Q::int(0);
    // W^T p, and the sum of what p is off W W^T p
    let image = |p: &[Q]| {
        let image: Vec<Q> =
            (0..r).map(|k| (0..d).fold(Q::int(0), |s, j| s.add(&w[j][k].mul(&p[j])))).collect();
        let lost = p.iter().zip(&w).fold(Q::int(0), |sum, (x, row)| {
            let back = row.iter().zip(&image).fold(Q::int(0), |s, (y, z)| s.add(&y.mul(z)));
            sum.add(&x.sub(&back).abs())
        });
        (image, lost)
    };
    for (p, weight) in groups.iter().filter(|group| group.1.sign() != 0) {
        let p: Vec<Q> = p.iter().map(Q::whole).collect();
        let (image, lost) = image(&p);
        let size = scale.mul(&weight.abs());
        rest = rest.add(&size.mul(&lost));
        rows.a.push(image.iter().map(|x| size.mul(x).round()).collect());
        rows.e.push(weight.sign());
    }
    let (image, lost) = image(&linear);
    rest = rest.add(&scale.mul(&lost));
    rows.linear = image.iter().map(|x| scale.mul(x).round()).collect();
    let mut largest = Q::int(0);
    for i in 0..r {
        let mut sum = Q::int(0);
        for k in 0..r {
            let entry = (0..d).fold(Q::int(0), |s, j| s.add(&w[j][i].mul(&w[j][k])));
            sum = sum.add(&entry.sub(&Q::int((i == k) as i64)).abs());
        }
        largest = largest.max(&sum);
    }
    let room = Q::power(bits).sub(&rest).div(&Q::int(1).add(&largest)).floor();
    let lost = ((rows.a.len() + 1) * r).div_ceil(2) as i64;
    rows.bound = room.sub(&Int::from(lost));
    demand(rows.bound.sign() > 0, "too few bits")?;
    Ok(rows)
}

/// A group that cuts a cone, with its values at the vertices.
#[derive(Clone)]
struct Cut {
    name: usize,
    e: i32,
    values: Vec<Int>,
}

#[derive(Clone)]
struct Cone {
    vertices: Vec<Vec<Int>>,
    linear: Vec<Int>,
    cuts: Vec<Cut>,
    sides: Vec<Vec<Int>>,
}

impl Cone {
    /// Groups of one sign become linear, or zero.
    fn settled(mut self) -> Cone {
        let cuts = std::mem::take(&mut self.cuts);
        for cut in cuts {
            if cut.values.iter().all(|x| x.sign() >= 0) {
                for (sum, x) in self.linear.iter_mut().zip(&cut.values) {
                    *sum = if cut.e > 0 { sum.add(x) } else { sum.sub(x) };
                }
            } else if !cut.values.iter().all(|x| x.sign() <= 0) {
                self.cuts.push(cut);
            }
        }
        self
    }
    fn orthant(rows: &Rows, sign: i32, number: i64, depth: usize) -> Cone {
        let end = |j: usize| {
            let size = Int::power(depth);
            if number >> j & 1 == 1 { size.negated() } else { size }
        };
        let vertex = |j: usize| {
            (0..rows.rank).map(|i| if i == j { end(j) } else { Int::from(0) }).collect()
        };
        let values = |row: &[Int]| (0..rows.rank).map(|j| row[j].mul(&end(j))).collect();
        let linear: Vec<Int> = values(&rows.linear);
        let cuts = rows.a.iter().zip(&rows.e).enumerate();
        Cone {
            vertices: (0..rows.rank).map(vertex).collect(),
            linear: linear.iter().map(|x| if sign > 0 { x.clone() } else { x.negated() }).collect(),
            cuts: cuts.map(|(name, (a, e))| Cut { name, e: sign * e, values: values(a) }).collect(),
            sides: vec![],
        }
        .settled()
    }
    fn half(&self, i: usize, j: usize, gone: usize) -> Res<Cone> {
        let mut cone = self.clone();
        for (k, x) in cone.vertices[gone].iter_mut().enumerate() {
            let sum = self.vertices[i][k].add(&self.vertices[j][k]);
            demand(!sum.is_odd(), "the middle of an edge is no integer vector")?;
            *x = sum.half();
        }
        let middle = |values: &[Int]| values[i].add(&values[j]).half();
        cone.linear[gone] = middle(&self.linear);
        for (cut, old) in cone.cuts.iter_mut().zip(&self.cuts) {
            cut.values[gone] = middle(&old.values);
        }
        for (side, old) in cone.sides.iter_mut().zip(&self.sides) {
            side[gone] = middle(old);
        }
        Ok(cone.settled())
    }
    fn part(&self, name: usize, is_first: bool) -> Res<Cone> {
        let mut cone = self.clone();
        let place = self.cuts.iter().position(|cut| cut.name == name);
        let cut = cone.cuts.remove(place.ok_or("the group does not cut the cone")?);
        if is_first {
            for (sum, x) in cone.linear.iter_mut().zip(&cut.values) {
                *sum = if cut.e > 0 { sum.add(x) } else { sum.sub(x) };
            }
            cone.sides.push(cut.values);
        } else {
            cone.sides.push(cut.values.iter().map(Int::negated).collect());
        }
        Ok(cone)
    }
    fn leaf(&self, bound: &Int, bits: i64, item: &[Json]) -> Res<()> {
        demand(item.len() == 5 || item.len() == 7, "a leaf of another length")?;
        let r = self.vertices.len();
        let (mix, top) = (item[1].small(0, 4)?, item[2].small(0, r as i64 - 1)? as usize);
        let (scale, p) = (item[3].small(0, bits)?, item[4].numbers()?);
        demand(p.len() == r, "a vector of another length")?;
        let (mut shares, mut multipliers) = (HashMap::new(), vec![]);
        // shares and multipliers are in units of 2^-shift
        let shift = 40usize;
        if item.len() == 7 {
            for pair in item[5].list()? {
                let pair = pair.list()?;
                demand(pair.len() == 2, "no share")?;
                let share = pair[1].number()?;
                demand(share.sign() >= 0 && share.at_most(&Int::power(shift)), "a share")?;
                shares.insert(pair[0].small(i64::MIN / 2, i64::MAX / 2)?, share.clone());
            }
            multipliers = item[6].numbers()?;
            let fits = multipliers.is_empty() || multipliers.len() == self.sides.len();
            demand(fits && multipliers.iter().all(|b| b.sign() >= 0), "multipliers")?;
        }
        let tangent = |cut: &Cut| {
            if let Some(share) = shares.get(&(cut.name as i64)) {
                return share.clone();
            }
            let sum = cut.values.iter().fold(Int::from(0), |s, x| s.add(x));
            let other = sum.add(&cut.values[top].mul(&Int::from(3)));
            let quarters = (4 - mix) * (sum.sign() > 0) as i64 + mix * (other.sign() > 0) as i64;
            Int::from(quarters).shl(shift - 2)
        };
        let tangents: Vec<Int> = self.cuts.iter().map(tangent).collect();
        for j in 0..r {
            let mut value = self.linear[j].shl(shift);
            for (cut, t) in self.cuts.iter().zip(&tangents) {
                let x = &cut.values[j];
                if cut.e < 0 {
                    value = value.sub(&t.mul(x));
                } else if x.sign() > 0 {
                    value = value.add(&x.shl(shift));
                }
            }
            for (side, b) in self.sides.iter().zip(&multipliers) {
                value = value.add(&b.mul(&side[j]));
            }
            let room = dot(&p, &self.vertices[j]).shl((bits - scale) as usize + shift);
            demand(value.at_most(&room), "at a vertex the vector is too short")?;
        }
        let square = dot(&p, &p).shl(2 * (bits - scale) as usize);
        demand(square.at_most(&bound.mul(bound)), "the vector is too long")
    }
}

/// A part of the unit sphere: where each facet, `(c, n)`, has `c + n.w >= 0`.
#[derive(Clone)]
struct Part {
    sign: i32,
    facets: Vec<Vec<Int>>,
}

/// `b_0 F_0 + b_1 F_1 + ...`, as far as there are both, added to a vector.
fn combined(start: Vec<Int>, multipliers: &Json, facets: &[Vec<Int>]) -> Res<Vec<Int>> {
    let b = multipliers.numbers()?;
    demand(b.iter().all(|x| x.sign() >= 0), "a multiplier is below 0")?;
    let add = |sum: Vec<Int>, (y, facet): (&Int, &Vec<Int>)| {
        sum.iter().zip(facet).map(|(s, x)| s.add(&y.mul(x))).collect()
    };
    Ok(b.iter().zip(facets).fold(start, add))
}

impl Part {
    fn side(&self, numbers: &[Int], is_first: bool) -> Part {
        let mut part = self.clone();
        let turned = |x: &Int| if is_first { x.clone() } else { x.negated() };
        part.facets.push(numbers.iter().map(turned).collect());
        part
    }
    /// A bound of the function q + m.w from above on the part, in units.
    fn highest(&self, function: &[Int], multipliers: &Json, bits: usize) -> Res<Int> {
        let start = function.iter().map(|x| x.shl(bits)).collect();
        let sum = combined(start, multipliers, &self.facets)?;
        let square = dot(&sum[1..], &sum[1..]);
        let root = square.root();
        let is_exact = root.mul(&root) == square;
        let length = if is_exact { root } else { root.add(&Int::from(1)) };
        Ok(length.add(&sum[0]).negated().floor_shr(bits).negated())
    }
    /// C and h of a term.
    fn term(&self, a: &[Int], e: i32, item: &[Json], bits: usize) -> Res<(Int, Vec<Int>)> {
        demand(item.len() == 3, "a term of another length")?;
        let (zero, one) = (Int::from(0), Int::power(bits));
        let more = item[2].numbers()?;
        let minus = |x: &[Int]| x.iter().map(Int::negated).collect::<Vec<_>>();
        if e < 0 {
            demand(more.len() == a.len() + 1, "no policy")?;
            let upper = self.highest(&more, &item[0], bits)?;
            let lower = self.highest(&minus(&more), &item[1], bits)?;
            demand(upper.at_most(&one) && lower.at_most(&one), "a policy exceeds 1")?;
            let mut h: Vec<Int> = more.iter().map(|x| x.negated().shl(bits)).collect();
            h[0] = one.add(&more[0]).negated().shl(bits);
            return Ok((zero, h));
        }
        demand(more.len() == 3, "no parabola")?;
        let (slope, bend, c) = (&more[0], &more[1], &more[2]);
        demand(bend.sign() >= 0 && c.sign() >= 0, "no parabola above")?;
        let mut row = vec![zero.clone()];
        row.extend_from_slice(a);
        let high = self.highest(&row, &item[0], bits)?;
        let far = self.highest(&minus(&row), &item[1], bits)?;
        for (rise, end) in [(one.sub(slope), high), (one.add(slope), far)] {
            // rise t <= c + bend t^2 for t from 0 to end
            let is_free = rise.sign() <= 0
                || rise.mul(&rise).at_most(&bend.mul(c).shl(2));
            let rest = rise.shl(bits).sub(&bend.mul(&end));
            let is_rising = bend.mul(&end).at_most(&rest);
            let is_below = rest.mul(&end).at_most(&c.shl(2 * bits));
            demand(is_free || is_rising && is_below, "a row is above its parabola")?;
        }
        let mut h: Vec<Int> = row.iter().map(|x| bend.mul(x)).collect();
        h[0] = one.add(slope).shl(bits);
        Ok((c.clone(), h))
    }
    fn leaf(&self, rows: &Rows, item: &[Json]) -> Res<()> {
        demand(item.len() == 4, "a leaf of another length")?;
        let (r, bits) = (rows.rank, rows.bits);
        let (terms, products) = (item[1].list()?, item[2].list()?);
        let nu = item[3].number()?;
        let fits = terms.len() == rows.a.len() && products.len() == self.facets.len();
        demand(fits, "a leaf of other data")?;
        // begun with D
        let mut p = vec![vec![Int::from(0); r + 1]; r + 1];
        for (i, line) in p.iter_mut().enumerate() {
            line[i] = nu.shl(2 * bits);
        }
        p[0][0] = rows.bound.shl(2).sub(nu).shl(2 * bits);
        let mut take = |left: &[Int], right: &[Int]| {
            for i in (0..=r).filter(|i| !left[*i].is_zero()) {
                for j in 0..=r {
                    let x = left[i].mul(&right[j]);
                    p[i][j] = p[i][j].sub(&x);
                    p[j][i] = p[j][i].sub(&x);
                }
            }
        };
        let mut one = vec![Int::from(0); r + 1];
        one[0] = Int::from(1);
        let mut linear = vec![Int::from(0)];
        linear.extend(rows.linear.iter().map(|x| x.mul(&Int::from(2 * self.sign as i64)).shl(2 * bits)));
        take(&one, &linear);
        let mut total = Int::from(0);
        for ((a, e), term) in rows.a.iter().zip(&rows.e).zip(terms) {
            let (c, h) = self.term(a, self.sign * e, term.list()?, bits)?;
            let mut left = vec![Int::from(0)];
            left.extend_from_slice(a);
            take(&left, &h);
            total = total.add(&c);
        }
        for (facet, product) in self.facets.iter().zip(products) {
            let product = product.list()?;
            demand(product.len() == 2, "a product of another length")?;
            let h = product[0].numbers()?;
            demand(h.len() == r + 1, "a factor of another length")?;
            let minus: Vec<Int> = h.iter().map(Int::negated).collect();
            let is_above = self.highest(&minus, &product[1], bits)?.sign() <= 0;
            demand(is_above, "a factor is not above 0")?;
            take(facet, &h.iter().map(|x| x.shl(bits)).collect::<Vec<_>>());
        }
        p[0][0] = p[0][0].sub(&total.shl(2 * bits + 1));
        demand(is_definite(p), "the form is not below R")
    }
}

/// Elimination without fractions, from the last row upwards: all pivots, which are
/// minors, have to be positive.
fn is_definite(mut p: Vec<Vec<Int>>) -> bool {
    let mut before = Int::from(1);
    while let Some(last) = p.pop() {
        let k = p.len();
        if last[k].sign() <= 0 {
            return false;
        }
        for line in p.iter_mut() {
            for j in 0..k {
                line[j] = line[j].mul(&last[k]).sub(&line[k].mul(&last[j])).exact(&before);
            }
            line.truncate(k);
        }
        before = last[k].clone();
    }
    true
}

/// What is left of the space: a cone, or a part of the sphere.
enum Space {
    Cone(Cone),
    Part(Part),
}

/// Take one step; the root of a tree is added to those found.
fn step(
    waiting: &mut Vec<Space>,
    line: &str,
    rows: &Rows,
    how: &Json,
    found: &mut HashSet<(i64, i64)>,
) -> Res<()> {
    let value = Json::read(line)?;
    let item = value.list()?;
    demand(!item.is_empty(), "an empty step")?;
    let kind = item[0].text()?;
    let Some(space) = waiting.pop() else {
        demand(kind == "o" && item.len() == 3, "no root of a tree")?;
        let (sign, number) = (item[1].small(-1, 1)?, item[2].small(-1, 1 << 17)?);
        demand(sign != 0 && found.insert((sign, number)), "no new root")?;
        if number == -1 {
            waiting.push(Space::Part(Part { sign: sign as i32, facets: vec![] }));
            return Ok(());
        }
        demand(rows.rank <= 16 && number < 1 << rows.rank, "no root of a tree")?;
        let depth = three(how)?[1] as usize;
        waiting.push(Space::Cone(Cone::orthant(rows, sign as i32, number, depth)));
        return Ok(());
    };
    let cone = match space {
        Space::Cone(cone) => cone,
        Space::Part(part) if kind == "h" => {
            let numbers = item[1..].iter().map(|x| Ok(x.number()?.clone()));
            let numbers: Vec<Int> = numbers.collect::<Res<_>>()?;
            demand(numbers.len() == rows.rank + 1, "a facet of another length")?;
            waiting.push(Space::Part(part.side(&numbers, false)));
            waiting.push(Space::Part(part.side(&numbers, true)));
            return Ok(());
        }
        Space::Part(part) if kind == "q" => return part.leaf(rows, item),
        Space::Part(_) => return Err("an unknown step".into()),
    };
    match (kind, item.len()) {
        ("b", 3) => {
            let last = rows.rank as i64 - 1;
            let (i, j) = (item[1].small(0, last)? as usize, item[2].small(0, last)? as usize);
            demand(i != j, "an edge has two ends")?;
            waiting.push(Space::Cone(cone.half(i, j, j)?));
            waiting.push(Space::Cone(cone.half(i, j, i)?));
        }
        ("s", 2) => {
            let name = item[1].small(0, 1 << 40)? as usize;
            waiting.push(Space::Cone(cone.part(name, false)?));
            waiting.push(Space::Cone(cone.part(name, true)?));
        }
        ("p", _) => cone.leaf(&rows.bound, rows.bits as i64, item)?,
        _ => return Err("an unknown step".into()),
    }
    Ok(())
}

/// Lower and upper bound of a proof's four lines, but for its trees; and its rows.
fn claim(head: &[&str], table: &str) -> Res<(Q, Q, Rows, Json)> {
    let mut parts = vec![];
    for line in head {
        parts.push(Json::read(line)?);
    }
    let how = parts.pop().ok_or("no fourth line")?;
    let (claim, network, dual) = (&parts[0], &parts[1], &parts[2]);
    demand(claim.get("format")?.text()? == "convex-relu proof 2", "another format")?;
    let pair = claim.get("loss")?.list()?;
    demand(pair.len() == 2, "no loss")?;
    let (name, t) = (pair[0].text()?, pair[1].dyadic()?);
    check_parameter(name, &t)?;
    let beta = claim.get("beta")?.dyadic()?;
    demand(beta.sign() > 0, "beta is not positive")?;
    let data = read_data(claim.get("data")?, name, table)?;
    let unit = Q::power(dual.get("exponent")?.small(-4096, 4096)?);
    let values = dual.get("values")?.numbers()?;
    demand(values.len() == data.y.len(), "a dual point of other data")?;
    let v: Vec<Q> = values.iter().map(|x| Q::whole(x).mul(&unit)).collect();
    let alphas = network.get("alphas")?.dyadics()?;
    let mut neurons = vec![];
    for row in network.get("weights")?.list()? {
        neurons.push(row.dyadics()?);
    }
    let d = data.rows[0].len();
    let fits = neurons.len() == alphas.len() && neurons.iter().all(|u| u.len() == d);
    demand(fits, "a network for other data")?;
    let squares = alphas.iter().chain(neurons.iter().flatten()).fold(Q::int(0), |s, x| s.add(&x.mul(x)));
    let mut upper = beta.mul(&squares).mul(&Q::power(-1));
    let mut lower = Q::int(0);
    // outer weights over one divisor: sums of few digits
    let common = alphas.iter().fold(Int::from(1), |m, a| m.mul(&a.d).exact(&m.gcd(&a.d)));
    let sizes: Vec<Int> = alphas.iter().map(|a| a.n.mul(&common.exact(&a.d))).collect();
    for i in 0..data.y.len() {
        let mut f = Q::int(0);
        for x in &data.rows[i * data.patches..(i + 1) * data.patches] {
            for (u, a) in neurons.iter().zip(&sizes) {
                let s = x.iter().zip(u).fold(Q::int(0), |s, (p, q)| s.add(&p.mul(q)));
                if s.sign() > 0 {
                    f = f.add(&Q::whole(a).mul(&s));
                }
            }
        }
        f = f.div(&Q::whole(&common));
        let (y, c) = (&data.y[i], &data.c[i]);
        upper = upper.add(&c.mul(&loss_above(name, &t, &f, y)?).up(320));
        lower = lower.add(&c.mul(&dual_below(name, &t, &v[i].div(c), y)?).down(320));
    }
    let rows = integer_rows(&data, &v, &beta, &how)?;
    Ok((lower.max(&Q::int(0)), upper, rows, how))
}

// ---------------------------------------------------------------- linear networks

/// Samples of a table without names: all cells of the records.
fn plain_samples(how: &Json, text: &str) -> Res<Vec<Vec<Q>>> {
    let mark = how.get("separator")?.text()?;
    demand(mark.chars().count() == 1, "a separator has one character")?;
    let skip = how.get("skip")?.small(0, 1 << 40)? as usize;
    let is_binary = how.get("floats")?.text()? == "binary";
    let mut samples: Vec<Vec<Q>> = vec![];
    let mut lines = String::new();
    for record in records(text, mark.chars().next().unwrap_or(','))?.iter().skip(skip) {
        let sample: Vec<Q> =
            record.iter().map(|cell| decimal(cell.trim(), ".", is_binary)).collect::<Res<_>>()?;
        let shown = |x: &Q| if x.d.mag == [1] { x.n.text() } else { x.n.text() + "/" + &x.d.text() };
        lines += &(sample.iter().map(shown).collect::<Vec<_>>().join(",") + "\n");
        samples.push(sample);
    }
    demand(sha256(lines.as_bytes()) == how.get("sha256")?.text()?, "the table has other data")?;
    demand(!samples.is_empty(), "no samples")?;
    Ok(samples)
}

/// Lower and upper bound of a proof for a linear or circular network.
fn linear_claim(text: &str, table: &str) -> Res<(Q, Q)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    demand(lines.len() == 3, "a proof has three lines")?;
    let (claim, network, dual) = (Json::read(lines[0])?, Json::read(lines[1])?, Json::read(lines[2])?);
    let is_circular = match claim.get("architecture")?.text()? {
        "circular" => true,
        "linear" => false,
        _ => return Err("an unknown architecture".into()),
    };
    let is_exact = match claim.get("loss")?.text()? {
        "exact" => true,
        "squared" => false,
        _ => return Err("an unknown loss".into()),
    };
    let beta = claim.get("beta")?.dyadic()?;
    demand(beta.sign() > 0, "beta is not positive")?;
    let patches = claim.get("patches")?.small(1, 1 << 20)? as usize;
    let outputs = claim.get("outputs")?.small(1, 1 << 20)? as usize;
    demand(!is_circular || patches == 1 && outputs == 1, "no patches or outputs")?;
    let samples = plain_samples(claim.get("data")?, table)?;
    let size = samples[0].len();
    let fits = size > outputs && (size - outputs) % patches == 0;
    demand(fits && samples.iter().all(|s| s.len() == size), "the table has other columns")?;
    let (width, d) = (size - outputs, (size - outputs) / patches);
    let mut neurons = vec![];
    let mut squares = Q::int(0);
    for pair in network.list()? {
        let pair = pair.list()?;
        demand(pair.len() == 2, "no neuron")?;
        let (u, w) = (pair[0].dyadics()?, pair[1].dyadics()?);
        let most = if is_circular { d } else { patches * outputs };
        demand(u.len() == d && w.len() == most, "a network for other data")?;
        squares = u.iter().chain(&w).fold(squares, |s, x| s.add(&x.mul(x)));
        neurons.push((u, w));
    }
    let unit = Q::power(dual.get("exponent")?.small(-4096, 4096)?);
    let values = dual.get("values")?.numbers()?;
    demand(values.len() == samples.len() * outputs, "a dual point of other data")?;
    let half = Q::power(-1);
    let mut upper = squares.mul(&beta).mul(&half);
    let mut lower = Q::int(0);
    let columns = if is_circular { d } else { patches * outputs };
    let mut b = vec![vec![Q::int(0); columns]; d];
    for (sample, v) in samples.iter().zip(values.chunks(outputs)) {
        let (x, y) = sample.split_at(width);
        let v: Vec<Q> = v.iter().map(|m| Q::whole(m).mul(&unit)).collect();
        let mut f = vec![Q::int(0); outputs];
        for (u, w) in &neurons {
            if is_circular {
                // the filter's turns, one for each place of w
                for (at, weight) in w.iter().enumerate() {
                    let sum = (0..d).fold(Q::int(0), |s, a| s.add(&x[a].mul(&u[(a + d - at) % d])));
                    f[0] = f[0].add(&sum.mul(weight));
                }
                continue;
            }
            for (patch, line) in x.chunks(d).zip(w.chunks(outputs)) {
                let sum = patch.iter().zip(u).fold(Q::int(0), |s, (p, q)| s.add(&p.mul(q)));
                for (total, weight) in f.iter_mut().zip(line) {
                    *total = total.add(&sum.mul(weight));
                }
            }
        }
        for c in 0..outputs {
            let missed = f[c].sub(&y[c]);
            demand(!is_exact || missed.sign() == 0, "the network misses a target")?;
            upper = upper.add(&missed.mul(&missed).mul(&half));
            lower = lower.sub(&v[c].mul(&y[c]));
            if !is_exact {
                lower = lower.sub(&v[c].mul(&v[c]).mul(&half));
            }
        }
        for (a, line) in b.iter_mut().enumerate() {
            for (place, sum) in line.iter_mut().enumerate() {
                let (entry, v) = if is_circular {
                    (&x[(a + place) % d], &v[0])
                } else {
                    (&x[place / outputs * d + a], &v[place % outputs])
                };
                *sum = sum.add(&entry.mul(v));
            }
        }
    }
    // beta^2 I - B B^T, over one divisor
    let all = b.iter().flatten().chain([&beta]);
    let common = all.fold(Int::from(1), |m, x| m.mul(&x.d).exact(&m.gcd(&x.d)));
    let whole = |x: &Q| x.n.mul(&common.exact(&x.d));
    let b: Vec<Vec<Int>> = b.iter().map(|line| line.iter().map(whole).collect()).collect();
    let square = whole(&beta).mul(&whole(&beta));
    let entry = |i: usize, j: usize| {
        let product = dot(&b[i], &b[j]).negated();
        if i == j { product.add(&square) } else { product }
    };
    let p = (0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect();
    demand(is_definite(p), "the dual norm is above beta")?;
    Ok((lower.max(&Q::int(0)), upper))
}

fn run(names: &[String], place: &mut String) -> Res<(Q, Q)> {
    let (table, proofs) = names.split_last().ok_or("usage: PROOF [PROOF ...] DATA.csv")?;
    demand(!proofs.is_empty(), "usage: PROOF [PROOF ...] DATA.csv")?;
    let table = std::fs::read_to_string(table).map_err(|e| e.to_string())?;
    if let [proof] = proofs {
        let text = std::fs::read_to_string(proof).map_err(|e| format!("{proof}: {e}"))?;
        let first = Json::read(text.split_inclusive('\n').next().unwrap_or(""))?;
        if first.get("format")?.text()? == "convex-relu linear proof 1" {
            return linear_claim(&text, &table);
        }
    }
    let mut found = HashSet::new();
    let mut first: Option<(Vec<String>, (Q, Q, Rows, Json))> = None;
    for proof in proofs {
        let text = std::fs::read_to_string(proof).map_err(|e| format!("{proof}: {e}"))?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        demand(lines.len() >= 4, "fewer than four lines")?;
        if first.is_none() {
            *place = format!("{proof}, head: ");
            let head = lines[..4].iter().map(|x| x.to_string()).collect();
            first = Some((head, claim(&lines[..4], &table)?));
        }
        let (head, (_, _, rows, how)) = first.as_ref().ok_or("no proof")?;
        demand(lines[..4].iter().eq(head.iter()), "pieces of other proofs")?;
        let mut waiting = vec![];
        for (k, line) in lines[4..].iter().enumerate() {
            *place = format!("{proof}, line {}: ", k + 5);
            step(&mut waiting, line, rows, how, &mut found)?;
        }
        demand(waiting.is_empty(), "the file ends within a tree")?;
    }
    let (_, (lower, upper, rows, _)) = first.ok_or("no proof")?;
    for sign in [1, -1] {
        let count = found.iter().filter(|root| root.0 == sign && root.1 >= 0).count();
        let is_whole = rows.rank <= 16 && count == 1 << rows.rank;
        demand(is_whole || found.contains(&(sign, -1)), "roots are missing")?;
    }
    Ok((lower, upper))
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut place = String::new();
    match run(&names, &mut place) {
        Ok((lower, upper)) => {
            println!("upper  {:e}\nlower  {:e}", upper.shown(), lower.shown());
        }
        Err(why) => {
            println!("not proven: {place}{why}");
            std::process::exit(1);
        }
    }
}
