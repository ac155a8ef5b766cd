"""How banks wrap a memo; {} is what the payer wrote. Every number and name is invented."""

from __future__ import annotations

WRAPPED = {
    "Vietcombank": "MBVCB.1234567890.{}.CT tu 9999000123456 NGUYEN A toi 9999001234567 TRUONG X",
    "Vietcombank, newer": "MBVCB.12345678901.6218BFTVGL256UBX.{}",
    "Vietcombank, wrapped": "MBVCB.12345 67890.{}.CT tu 99990001 23456 NGUYEN VAN A",
    "Vietcombank, cut": "MBVCB.1234567890.{}.CT",
    "NAPAS": "123456.100926.133629.{}",
    "NAPAS, date behind": "123456.100926.133629.{}-100926-13:36:44 123456",
    "NAPAS, reference behind": "123456.100926.133629.{} FT26253123456789",
    "ISO 8583": "020097042209101336292026ABCD123456.2039 1.133610.{}",
    "wallet": "PARTNER.DIRECT_DEBITS_VCB.MSE.1234 5678901.20260910.12345678901-0000000678_{}",
    "BIDV": "TKThe :1234567890, tai MB. {} -CTLNHIDI000012345678901-1/1-CRE-002",
    "BIDV remittance": "REM Tfr Ac:1234567890 O@L_080005_211601_0_0_202419501_92905827637 {}",
    "VietinBank": "CT DEN:123456789012 {}",
    "VietinBank through NAPAS": "CT DEN:123456789012 {}; tai Napas",
    "VietinBank, 247": "CT nhanh 247 den: {} (CT0000345678) NGUYEN VAN A",
    "Agribank": "{} FT24254123456789",
    "nested": "TKThe :1234567890, tai VCB. MBVCB.1234567890.{}.CT tu 9999000123456 NGUYEN VAN A "
    "toi 9999001234567 TRUONG X -CTLNHIDI000012345678901-1/1-CRE-002",
    "trace behind": "{} GD 174242-112126 15:45:46",
    "network word": "IBFT {}",
    "plain": "{}",
}  # fmt: skip
