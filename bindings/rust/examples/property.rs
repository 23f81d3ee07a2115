//! Types of your own as properties: they are compared, ordered and indexed like what they map to.
//!
//! ```sh
//! cargo run --example property
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt;

use ankurah::{Decimal, Model, Property, query};
use serde::{Deserialize, Serialize};

/// A newtype is stored as what it wraps: prices are decimals in every query.
#[derive(Clone, Debug, PartialEq, Property)]
struct Price(Decimal);

/// An enum is stored as the names of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Property)]
enum Condition {
    Mint,
    VeryGood,
    #[property(name = "worn")]
    Poor,
}

/// A barcode whose last digit is right. It goes through a `String`, which is checked whenever one is read.
#[derive(Clone, Debug, PartialEq, Property)]
#[property(via = String)]
struct Barcode([u8; 13]);

impl From<&Barcode> for String {
    fn from(barcode: &Barcode) -> String {
        barcode.0.iter().map(|digit| char::from(b'0' + digit)).collect()
    }
}

impl TryFrom<String> for Barcode {
    type Error = WrongBarcode;

    fn try_from(text: String) -> Result<Self, WrongBarcode> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|letter| u8::try_from(letter.to_digit(10)?).ok()).collect();
        let digits: [u8; 13] = digits.and_then(|digits| digits.try_into().ok()).ok_or(WrongBarcode)?;
        let weights = [1, 3].into_iter().cycle();
        let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum();
        if sum.is_multiple_of(10) { Ok(Barcode(digits)) } else { Err(WrongBarcode) }
    }
}

#[derive(Debug)]
struct WrongBarcode;

impl fmt::Display for WrongBarcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a barcode has 13 digits, and the last one follows from the others")
    }
}

/// A struct with named fields is a JSON document, and queries can look inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Property)]
struct Sleeve {
    colour: String,
    gatefold: bool,
}

#[derive(Model)]
struct Record {
    #[model(key)]
    barcode: Barcode,
    price: Price,
    condition: Condition,
    sleeve: Option<Sleeve>,
}

async fn sell() -> Result<(), Box<dyn Error>> {
    let context = ankurah::open("memory:").await?;
    let barcode = |text: &str| Barcode::try_from(text.to_owned()).map_err(|error| error.to_string());
    for (code, cents, condition, colour) in [
        ("4006381333931", 1999, Condition::Mint, Some("black")),
        ("9780201379624", 750, Condition::Poor, None),
        ("5901234123457", 1250, Condition::VeryGood, Some("red")),
    ] {
        let sleeve = colour.map(|colour| Sleeve { colour: colour.to_owned(), gatefold: true });
        let price = Price(Decimal::new(cents, 2));
        context.upsert(&Record { barcode: barcode(code)?, price, condition, sleeve }).await?;
    }

    let most = Price(Decimal::new(1500, 2));
    let cheap = context.fetch(query!(Record: "price < {most} order by price desc")).await?;
    for record in &cheap {
        println!("{} {:?} {:?}", String::from(record.barcode()), record.price(), record.condition());
    }
    assert_eq!(
        cheap.iter().map(|record| record.condition()).collect::<Vec<_>>(),
        [Condition::VeryGood, Condition::Poor,]
    );

    let worn = context.count(query!(Record: "condition = 'worn' or condition = {Condition::Mint}")).await?;
    let red = context.fetch_one(query!(Record: "sleeve['colour'] = 'red'")).await?;
    println!("{worn} worn or mint; the red one costs {}", red.price().0);
    assert_eq!((worn, red.price()), (2, &Price(Decimal::new(1250, 2))));

    let code = barcode("5901234123457")?;
    assert_eq!(context.find_by_key::<Record>(&code).await?, Some(red));
    assert!(barcode("5901234123458").is_err());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    futures::executor::block_on(sell())
}
