//! One error for the whole house. The [`Kind`] is the SQLSTATE; the message is
//! for a person at psql: lower case, one line, no full stop.

use super::Culprit;
use std::fmt;

/// Result of everything in the house that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where in the statement, and what to type next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// A fact that helps to understand the message.
    pub detail: Option<String>,
    /// What to type next.
    pub hint: Option<String>,
    /// Byte offset of the culprit in the statement's text.
    pub offset: Option<usize>,
    /// What a row has broken, for clients that ask by name.
    pub culprit: Option<Box<Culprit>>,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $state:literal),* $(,)?) => {
        /// Every way in which something can go wrong; each is one SQLSTATE.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $doc])* $name),* }

        impl Kind {
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// The five characters that clients match on.
            pub fn sqlstate(self) -> &'static str {
                match self { $(Kind::$name => $state),* }
            }

            /// The manual's sentence about this kind.
            pub fn describe(self) -> &'static str {
                match self { $(Kind::$name => concat!($($doc),*)),* }
            }
        }
    };
}

kinds! {
    /// the server is going away or the client broke the protocol
    ProtocolViolation = "08P01",
    /// another system that a statement needs went away or cannot be reached
    ConnectionFailure = "08006",
    /// this form of statement is not supported
    FeatureNotSupported = "0A000",
    /// a query inside a scalar position returned several rows
    CardinalityViolation = "21000",
    /// a value has no meaning as data of its type
    DataException = "22000",
    /// bytes that are not text in UTF-8
    InvalidEncoding = "22021",
    /// a value does not fit the column
    StringTooLong = "22001",
    /// a number is outside the range of its type
    NumericOutOfRange = "22003",
    /// NULL where a value is required
    NullNotAllowed = "22004",
    /// a date or time has the wrong form
    InvalidDatetime = "22007",
    /// a date or time is outside the calendar
    DatetimeOverflow = "22008",
    /// a part of a text begins or ends where it cannot
    SubstringError = "22011",
    /// division by zero
    DivisionByZero = "22012",
    /// a window's frame begins or ends where it cannot
    InvalidFrame = "22013",
    /// the text is no regular expression
    InvalidRegex = "2201B",
    /// a number has no logarithm
    InvalidLogarithm = "2201E",
    /// a number has no such power or root
    InvalidPower = "2201F",
    /// buckets that have no width
    InvalidWidthBucket = "2201G",
    /// LIMIT of fewer than no rows
    InvalidLimit = "2201W",
    /// OFFSET of fewer than no rows
    InvalidOffset = "2201X",
    /// a string that a jsonpath should read is no date or time
    InvalidJsonDatetime = "22031",
    /// an array has no item with the number that a jsonpath says
    InvalidJsonSubscript = "22033",
    /// a jsonpath needs a number and finds something else
    NonNumericJson = "22036",
    /// a jsonpath needs one value and finds another number of them
    JsonSingleton = "22038",
    /// a jsonpath needs an array and finds something else
    JsonArrayNotFound = "22039",
    /// a jsonpath finds no such key
    JsonMemberNotFound = "2203A",
    /// a sign in a jsonpath stands before what is no number
    JsonNumberNotFound = "2203B",
    /// a jsonpath needs an object and finds something else
    JsonObjectNotFound = "2203C",
    /// an array has no such item
    ArraySubscript = "2202E",
    /// a parameter or option has a value that it cannot have
    InvalidParameterValue = "22023",
    /// a string has another length than its type
    StringLengthMismatch = "22026",
    /// text that is not a value of its type
    InvalidText = "22P02",
    /// bytes that are not the binary form of their type
    InvalidBinary = "22P03",
    /// an escape in a text stands for a character that no text can have
    UntranslatableCharacter = "22P05",
    /// a file or stream is not in the format it should have
    BadCopyFileFormat = "22P04",
    /// a sequence has no number left
    SequenceLimit = "2200H",
    /// NULL in a column that refuses it
    NotNullViolation = "23502",
    /// a reference to a row that does not exist
    ForeignKeyViolation = "23503",
    /// a second row with the same key
    UniqueViolation = "23505",
    /// a condition on the data does not hold
    CheckViolation = "23514",
    /// a transaction command outside a transaction
    NoActiveTransaction = "25P01",
    /// a statement after an error in the same transaction
    InFailedTransaction = "25P02",
    /// a transaction block waited too long for its next statement
    IdleInTransaction = "25P03",
    /// a statement that writes, in a transaction that may only read
    ReadOnlyTransaction = "25006",
    /// the cursor cannot do this
    InvalidCursorDefinition = "42P11",
    /// the statement cannot run inside a transaction
    ActiveTransaction = "25001",
    /// the role does not exist or may not log in
    InvalidAuthorization = "28000",
    /// wrong password
    InvalidPassword = "28P01",
    /// something still depends on the object
    DependentObjects = "2BP01",
    /// the savepoint does not exist
    InvalidSavepoint = "3B001",
    /// the cursor or portal does not exist
    InvalidCursor = "34000",
    /// no such database
    UndefinedDatabase = "3D000",
    /// no such schema
    UndefinedSchema = "3F000",
    /// the prepared statement does not exist
    InvalidStatementName = "26000",
    /// another transaction changed the same rows
    SerializationFailure = "40001",
    /// sessions wait for each other's locks
    Deadlock = "40P01",
    /// the text is not a statement
    Syntax = "42601",
    /// not allowed
    InsufficientPrivilege = "42501",
    /// no such column
    UndefinedColumn = "42703",
    /// no such workflow, model, check, connection or other named object
    UndefinedObject = "42704",
    /// no such function, or not with these argument types
    UndefinedFunction = "42883",
    /// no such relation
    UndefinedTable = "42P01",
    /// no such parameter
    UndefinedParameter = "42P02",
    /// the column exists already
    DuplicateColumn = "42701",
    /// the object exists already
    DuplicateObject = "42710",
    /// the relation exists already
    DuplicateTable = "42P07",
    /// the prepared statement exists already
    DuplicateStatement = "42P05",
    /// the cursor or portal exists already
    DuplicateCursor = "42P03",
    /// the schema exists already
    DuplicateSchema = "42P06",
    /// the types have no cast
    CannotCoerce = "42846",
    /// the name fits several functions or operators
    AmbiguousFunction = "42725",
    /// the name stands for two tables of the statement
    DuplicateAlias = "42712",
    /// a window function stands where none can be
    Windowing = "42P20",
    /// the name fits several columns
    AmbiguousColumn = "42702",
    /// a column must be grouped or aggregated
    Grouping = "42803",
    /// the types do not go together
    DatatypeMismatch = "42804",
    /// the object is of another kind than the statement needs
    WrongObjectType = "42809",
    /// the definition contradicts itself
    InvalidDefinition = "42P17",
    /// a table cannot be defined so
    InvalidTableDefinition = "42P16",
    /// a column whose values are always generated
    GeneratedAlways = "428C9",
    /// a foreign key refers to columns that are no key
    InvalidForeignKey = "42830",
    /// the columns of a statement do not fit its target
    InvalidColumnReference = "42P10",
    /// the disk is full
    DiskFull = "53100",
    /// out of memory
    OutOfMemory = "53200",
    /// too many connections
    TooManyConnections = "53300",
    /// larger than a limit allows
    TooLarge = "54000",
    /// nested deeper than a limit allows
    TooComplex = "54001",
    /// more columns than a row can have
    TooManyColumns = "54011",
    /// the object is in a state that does not allow this
    WrongState = "55000",
    /// the parameter cannot be changed now, or at all
    CannotChange = "55P02",
    /// a privilege that cannot be granted so
    InvalidGrant = "0LP01",
    /// a name that nobody may take
    ReservedName = "42939",
    /// somebody else is using the object
    ObjectInUse = "55006",
    /// cancelled, or the time was up
    Cancelled = "57014",
    /// the server is shutting down
    Shutdown = "57P01",
    /// a session waited too long for its next statement
    IdleSession = "57P05",
    /// the server is still starting or has no room for this
    CannotConnectNow = "57P03",
    /// a file or device could not be read or written
    Io = "58030",
    /// the file does not exist
    UndefinedFile = "58P01",
    /// the model file cannot be read
    InvalidModel = "22P06",
    /// a bug of ours
    Internal = "XX000",
    /// stored data is not what was written
    DataCorrupted = "XX001",
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), detail: None, hint: None, offset: None, culprit: None }
    }

    /// A broken invariant: "… must …".
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(Kind::Internal, message)
    }

    /// `syntax error at or near "…"` at a byte offset.
    pub fn syntax(near: &str, offset: usize) -> Self {
        let message = match near {
            "" => "syntax error at end of input".to_string(),
            near => format!("syntax error at or near \"{near}\""),
        };
        Error::new(Kind::Syntax, message).at(offset)
    }

    pub fn unsupported(what: impl Into<String>) -> Self {
        Error::new(Kind::FeatureNotSupported, what)
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the hint when there is one to give; an earlier hint stays otherwise.
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        if let Some(hint) = hint.into() {
            self.hint = Some(hint);
        }
        self
    }

    /// Byte offset in the statement's text; an earlier one stays, it is nearer.
    pub fn at(mut self, offset: impl Into<Option<usize>>) -> Self {
        self.offset = self.offset.or(offset.into());
        self
    }

    /// Without a position: it was one in text that the reader of the error does not see.
    pub fn unplaced(self) -> Self {
        Error { offset: None, ..self }
    }

    /// Moves the position from a fragment's text to the text that holds it.
    pub fn shifted(mut self, by: usize) -> Self {
        self.offset = self.offset.map(|offset| offset + by);
        self
    }

    pub fn sqlstate(&self) -> &'static str {
        self.kind.sqlstate()
    }

    /// Whether trying again can help: the fault is in the surroundings, not in what was asked.
    pub fn retryable(&self) -> bool {
        !matches!(&self.sqlstate()[..2], "22" | "23" | "42" | "0A" | "28" | "54" | "3D" | "3F" | "21" | "2B" | "XX")
            && !matches!(self.kind, Kind::Cancelled | Kind::UndefinedFile | Kind::WrongState)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::NotFound => Kind::UndefinedFile,
            ErrorKind::PermissionDenied => Kind::InsufficientPrivilege,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Kind::DiskFull,
            _ => Kind::Io,
        };
        Error::new(kind, error.to_string().to_lowercase())
    }
}

/// The name among `known` that `name` was probably meant to be, as a hint.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *candidate != name)
        .min()
        .map(|(_, candidate)| format!("did you mean \"{candidate}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_sqlstate() {
        let mut states: Vec<_> = Kind::ALL.iter().map(|kind| kind.sqlstate()).collect();
        states.sort_unstable();
        states.dedup();
        assert_eq!(states.len(), Kind::ALL.len());
    }

    #[test]
    fn a_near_miss_gets_a_hint_and_a_far_one_does_not() {
        assert_eq!(did_you_mean("fligths", ["flights", "planes"]), Some("did you mean \"flights\"?".into()));
        assert_eq!(did_you_mean("zebra", ["flights", "planes"]), None);
    }
}
