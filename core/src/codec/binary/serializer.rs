//! Postcard's serializer, except that it leaves nothing out.
//!
//! A field that JSON leaves out is one zero byte here. To a reader that is the value which was
//! left out: `None`, no labels, no change.
use postcard::{Result, ser_flavors::Flavor};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

pub(super) struct BinarySerializer<'a, F: Flavor>(&'a mut postcard::Serializer<F>);

impl<F: Flavor> BinarySerializer<'_, F> {
    pub(super) fn write<T: Serialize + ?Sized>(value: &T, output: F) -> F::Output {
        let mut inner = postcard::Serializer { output };
        value
            .serialize(BinarySerializer(&mut inner))
            .and_then(|()| inner.output.finalize())
            .expect("what core keeps has lengths that are known, and no output is ever full")
    }

    fn again(&mut self) -> BinarySerializer<'_, F> {
        BinarySerializer(self.0)
    }
}

impl<F: Flavor> Serializer for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.0.serialize_bool(value)
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.0.serialize_i8(value)
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.0.serialize_i16(value)
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.0.serialize_i32(value)
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.0.serialize_i64(value)
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.0.serialize_u8(value)
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.0.serialize_u16(value)
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.0.serialize_u32(value)
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.0.serialize_u64(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.0.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.0.serialize_f64(value)
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<()> {
        self.0.serialize_char(value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.0.serialize_str(value)
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.0.serialize_bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.0.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<()> {
        self.again().serialize_u8(1)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<()> {
        self.serialize_u32(index)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        self.again().serialize_u32(index)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self> {
        self.0.serialize_seq(length).map(BinarySerializer)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self> {
        self.again().serialize_u32(index)?;
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self> {
        self.0.serialize_map(length).map(BinarySerializer)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self> {
        self.again().serialize_u32(index)?;
        Ok(self)
    }
}

impl<F: Flavor> SerializeSeq for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeTuple for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeTupleStruct for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeTupleVariant for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeMap for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        key.serialize(self.again())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeStruct for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    #[inline]
    fn skip_field(&mut self, _name: &'static str) -> Result<()> {
        self.again().serialize_u8(0)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl<F: Flavor> SerializeStructVariant for BinarySerializer<'_, F> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self.again())
    }

    #[inline]
    fn skip_field(&mut self, _name: &'static str) -> Result<()> {
        self.again().serialize_u8(0)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}
